/** Ranks that do not come: nobody waits for them longer than was said, and what the system knows of them is told. */
import { spawn } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { absentRanks } from '../../lib/ranks/absent.js'
import { opened } from '../../lib/ranks/join.js'
import { launchOf } from '../../lib/ranks/launch.js'
import { temporaryDirectory } from '../formats/directory.js'

const variables = (rank: number, ranks: number): Record<string, string> => ({
  OMPI_COMM_WORLD_RANK: String(rank),
  OMPI_COMM_WORLD_SIZE: String(ranks),
  OMPI_COMM_WORLD_LOCAL_RANK: String(rank),
})

interface Process {
  readonly pid: number
  readonly parent: number
  readonly state: string
  readonly rank?: number
  readonly threads?: readonly string[]
}

/** A folder like /proc. */
async function processes(folder: string, ranks: number, all: readonly Process[]): Promise<void> {
  for (const { pid, parent, state, rank, threads = ['node'] } of all) {
    await mkdir(join(folder, String(pid)))
    await writeFile(join(folder, String(pid), 'stat'), `${pid} (a ) name) ${state} ${parent} 1 1`)
    const environment = rank === undefined ? {} : variables(rank, ranks)
    await writeFile(join(folder, String(pid), 'environ'), [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ''].join('\0'))
    for (const [index, thread] of threads.entries()) {
      await mkdir(join(folder, String(pid), 'task', String(index)), { recursive: true })
      await writeFile(join(folder, String(pid), 'task', String(index), 'comm'), `${thread}\n`)
    }
  }
  await symlink('1', join(folder, 'self'))
}

const joining = ['node', 'preresnet-join']

test('ranks that have not come are named by what the system says of their processes', async (t) => {
  const folder = await temporaryDirectory(t)
  await processes(folder, 6, [
    { pid: 10, parent: 1, state: 'S' },
    { pid: 20, parent: 10, state: 'S', rank: 0 },
    { pid: 21, parent: 20, state: 'S', rank: 0, threads: joining },
    { pid: 30, parent: 10, state: 'T', rank: 1, threads: joining },
    { pid: 40, parent: 10, state: 'S', rank: 2, threads: joining },
    { pid: 50, parent: 10, state: 'R', rank: 3 },
    { pid: 51, parent: 50, state: 'R', rank: 3 },
    // Of another run on the same machine.
    { pid: 11, parent: 1, state: 'S' },
    { pid: 60, parent: 11, state: 'S', rank: 4, threads: joining },
  ])
  const text = absentRanks(launchOf(variables(0, 6)), { processes: folder, self: 21 })
  t.regex(
    text,
    /^rank 1 stands still \(process 30 was stopped by a signal\); rank 3 has not begun to join \(process 51\); of ranks 4, 5 there is no process on host /,
  )
  t.regex(text, /; end all and start them again, or give them more time by startTimeout \(--start-timeout\)$/)
})

test('of ranks that are all there nothing else is said', async (t) => {
  const folder = await temporaryDirectory(t)
  await processes(folder, 2, [
    { pid: 20, parent: 10, state: 'S', rank: 0, threads: joining },
    { pid: 21, parent: 10, state: 'S', rank: 1, threads: joining },
  ])
  t.regex(absentRanks(launchOf(variables(1, 2)), { processes: folder, self: 21 }), /^all of them are running; end all/)
})

test('who waits for a rank that does not come is told so after the time that was said, with the rank that stands still', async (t) => {
  const still = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { env: { ...process.env, ...variables(1, 2) }, stdio: 'ignore' })
  t.teardown(() => still.kill('SIGKILL'))
  still.kill('SIGSTOP')
  const waits = `
    import { opened } from ${JSON.stringify(new URL('../../lib/ranks/join.js', import.meta.url).href)}
    import { launchOf } from ${JSON.stringify(new URL('../../lib/ranks/launch.js', import.meta.url).href)}
    const description = { silence: 1000, startTimeout: 1500, meeting: 'alone', rank: 0, ranks: 2, waitsForAll: 1 }
    await opened(launchOf(process.env), description).catch(({ code, message }) => console.log(code, message))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', waits], {
    env: { ...process.env, ...variables(0, 2) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const hanging = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const status = await new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)))
  clearTimeout(hanging)
  t.regex(
    output,
    new RegExp(`^ERR_RANK expected all ranks to have joined within 1.5 s, got some that have not: rank 1 stands still \\(process ${still.pid!} was`),
  )
  // What waits for the others does not keep the process.
  t.is(status, 0)
})

test('who has come in time is together with all others, and an engine that fails says why', async (t) => {
  const open = (rank: number): ReturnType<typeof opened> =>
    opened(undefined, { silence: 20_000, startTimeout: 60_000, meeting: 'all of them', rank, ranks: 2, waitsForAll: 1 })
  const both = await Promise.all([open(0), open(1)])
  t.deepEqual([...(await Promise.all(both.map((ranks, index) => ranks.gather(Uint8Array.of(index)))))[0]!], [0, 1])
  await t.throwsAsync(open(1), { code: 'ERR_OPTION', message: /meeting all of them: expected rank 1 of 2 once/ })
  await Promise.all(both.map((ranks) => ranks.leave()))
})
