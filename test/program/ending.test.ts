/** JavaScript threads that come and go: two at work at once, one ended in mid-step, a process that exits in mid-step. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { openSession, steps, tinyPrograms, fill } from '../support/tiny.js'

const worker = fileURLToPath(new URL('../support/busy_worker.js', import.meta.url))

function message<T>(from: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    from.once('message', resolve)
    from.once('error', reject)
  })
}

test('two worker threads train at once as one does alone', async (t) => {
  const session = await openSession(await tinyPrograms())
  await fill(session)
  const alone = [...(await session.run('train', steps(20))).rows].filter((_, index) => index % 6 === 0)
  await session.dispose()
  const workers = [new Worker(worker, { workerData: { steps: 20 } }), new Worker(worker, { workerData: { steps: 20 } })]
  const losses = await Promise.all(workers.map((each) => message<number[]>(each)))
  await Promise.all(workers.map((each) => each.terminate()))
  t.deepEqual(losses, [alone, alone])
})

test('a worker thread that is terminated in mid-step ends', async (t) => {
  for (let round = 0; round < 3; round++) {
    const busy = new Worker(worker, { workerData: { steps: 1_000_000, announce: true } })
    t.is(await message(busy), 'running')
    t.is(await busy.terminate(), 1)
  }
})

test('a process that exits in mid-step exits with its own status and says nothing', async (t) => {
  const program = `
    import { openSession, steps, tinyPrograms, fill } from ${JSON.stringify(new URL('../support/tiny.js', import.meta.url).href)}
    const session = await openSession(await tinyPrograms())
    await fill(session)
    session.view('stem.weight')
    void session.run('train', steps(1_000_000))
    void session.read('stem.weight')
    setTimeout(() => process.exit(7), 20)`
  const error = await t.throwsAsync<Error & { code: number; stdout: string; stderr: string }>(
    promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]),
  )
  t.is(error.code, 7)
  t.is(error.stdout + error.stderr, '')
})

test('an idle session does not keep a process alive, a pending call does', async (t) => {
  const program = `
    import { openSession, steps, tinyPrograms, fill } from ${JSON.stringify(new URL('../support/tiny.js', import.meta.url).href)}
    const session = await openSession(await tinyPrograms())
    await fill(session)
    session.run('train', steps(50)).then(({ completed }) => console.log(completed))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  t.is(stdout, '50\n')
})
