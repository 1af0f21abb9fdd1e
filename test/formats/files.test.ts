/** Files that are replaced as a whole: what a reader sees, what a failure leaves, and where links and devices lead. */
import { execFile } from 'node:child_process'
import { chmod, constants, link, mkdir, open, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { checkReplaceable, removeTemporaries, replaceFile, replaceFileBy } from '../../lib/formats/files.js'
import { temporaryDirectory } from './directory.js'

test('a reader that has the old file open goes on reading it', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'file')
  await replaceFile(path, 'old')
  const reader = await open(path, 'r')
  await replaceFile(path, 'new')
  t.is(await reader.readFile('utf8'), 'old')
  await reader.close()
  t.is(await readFile(path, 'utf8'), 'new')
  t.deepEqual(await readdir(directory), ['file'])
})

test('a write that fails half-way leaves the old file, and nothing else', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'file')
  await replaceFile(path, 'old')
  const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
  const half = replaceFileBy(path, async (file) => {
    await file.writeFile('ne')
    throw full
  })
  await t.throwsAsync(half, { code: 'ERR_FILE', message: `${path}: could not write: no space left on the device` })
  t.is(await readFile(path, 'utf8'), 'old')
  t.deepEqual(await readdir(directory), ['file'])
})

test('two writers at a time do not mix', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'file')
  const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(1_000_000))
  await Promise.all(contents.map((content) => replaceFile(path, content)))
  t.true(contents.includes(await readFile(path, 'utf8')))
  t.deepEqual(await readdir(directory), ['file'])
})

test('links are followed, also to a file that is not there yet', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'far', 'away'), { recursive: true })
  await symlink('far/away', join(directory, 'near'))
  await symlink('../next', join(directory, 'far', 'away', 'link'))
  const path = join(directory, 'near', 'link')
  for (const content of ['new', 'newer']) {
    await replaceFile(path, content)
    t.is(await readFile(join(directory, 'far', 'next'), 'utf8'), content)
    t.deepEqual((await readdir(join(directory, 'far'))).sort(), ['away', 'next'])
    t.deepEqual(await readdir(join(directory, 'far', 'away')), ['link'])
  }
  await symlink('circle', join(directory, 'circle'))
  await t.throwsAsync(replaceFile(join(directory, 'circle'), ''), { code: 'ERR_FILE', message: /links in a circle/ })
})

test('the new file has the rights of the old one', async (t) => {
  const path = join(await temporaryDirectory(t), 'file')
  await writeFile(path, 'old')
  await chmod(path, 0o606)
  await replaceFile(path, 'new')
  t.is((await stat(path)).mode & 0o777, 0o606)
})

test('the longest name that a file can have', async (t) => {
  const directory = await temporaryDirectory(t)
  const name = 'n'.repeat(255)
  await replaceFile(join(directory, name), 'x')
  t.deepEqual(await readdir(directory), [name])
})

test('directories and what is in none are refused', async (t) => {
  const directory = await temporaryDirectory(t)
  await t.throwsAsync(replaceFile(directory, 'x'), { code: 'ERR_FILE', message: /is a directory/ })
  await t.throwsAsync(replaceFile(`${directory}/new/`, 'x'), { code: 'ERR_FILE', message: /is a directory/ })
  await t.throwsAsync(replaceFile(join(directory, 'none', 'file'), 'x'), { code: 'ERR_FILE', message: /no such file or directory/ })
  await t.throwsAsync(replaceFile(undefined as never, 'x'), { code: 'ERR_OPTION', message: /file to write: expected a path/ })
})

const run = promisify(execFile)

test('a pipe is written to, not replaced', async (t) => {
  const path = join(await temporaryDirectory(t), 'pipe')
  await run('mkfifo', [path])
  const reader = await open(path, constants.O_RDWR | constants.O_NONBLOCK)
  await replaceFile(path, 'through')
  t.is((await reader.read(Buffer.alloc(7))).buffer.toString(), 'through')
  await reader.close()
  t.true((await stat(path)).isFIFO())
})

test('the standard output, whatever it is, goes on after what is written to it by its name', async (t) => {
  const directory = await temporaryDirectory(t)
  // As /dev/stdout, which is no matter for a test that may fail.
  const link = join(directory, 'stdout')
  await symlink('/proc/self/fd/1', link)
  const files = JSON.stringify(new URL('../../lib/formats/files.js', import.meta.url))
  const code = `const { replaceFile } = await import(${files}); await replaceFile(${JSON.stringify(link)}, 'through'); console.log(' and on')`
  const path = join(directory, 'out')
  const shell = (command: string): Promise<{ stdout: string }> =>
    run('sh', ['-c', `"$0" --input-type=module --eval "$1" ${command}`, process.execPath, code, path])
  t.is((await shell('| cat')).stdout, 'through and on\n')
  await shell('>> "$2"')
  t.is(await readFile(path, 'utf8'), 'through and on\n')
  t.deepEqual((await readdir(directory)).sort(), ['out', 'stdout'])
})

/** Calls a function of this module for a file in a process that rights bind; what it says in place of an error. */
async function unprivileged(path: string, call: 'replaceFile' | 'checkReplaceable', user = 65_534): Promise<string> {
  const files = JSON.stringify(new URL('../../lib/formats/files.js', import.meta.url))
  const code = `const files = await import(${files})
    if (process.getuid() === 0) { process.setgroups([]); process.setgid(${user}); process.setuid(${user}) }
    await files.${call}(${JSON.stringify(path)}, 'new').then(() => console.log('done'), ({ message }) => console.log(message))`
  return (await run(process.execPath, ['--input-type=module', '--eval', code])).stdout.trim()
}

test('a file that may be written in a directory that may not stays the one it is', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'in'))
  const path = join(directory, 'in', 'file')
  await writeFile(path, 'older than new')
  await chmod(path, 0o666)
  await link(path, join(directory, 'other'))
  const before = await stat(path)
  await chmod(join(directory, 'in'), 0o555)
  await chmod(directory, 0o755)
  t.is(await unprivileged(path, 'checkReplaceable'), 'done')
  t.is(await readFile(path, 'utf8'), 'older than new')
  t.is(await unprivileged(path, 'replaceFile'), 'done')
  t.is(await readFile(join(directory, 'other'), 'utf8'), 'new')
  const { ino, uid } = await stat(path)
  t.deepEqual([ino, uid], [before.ino, before.uid])
  for (const call of ['replaceFile', 'checkReplaceable'] as const) {
    const message = await unprivileged(join(directory, 'in', 'another'), call)
    t.is(message, `${directory}/in/another: could not create a file in ${directory}/in: permission denied`)
    await chmod(path, 0o444)
    t.is(await unprivileged(path, call), `${path}: could not write: permission denied`)
  }
  await chmod(join(directory, 'in'), 0o755)
})

test("another user's file in a directory like /tmp is written in place", async (t) => {
  if (process.getuid!() !== 0) return t.pass('it takes two users')
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'file')
  await writeFile(path, 'older than new')
  await chmod(path, 0o666)
  await chmod(directory, 0o1777)
  t.is(await unprivileged(path, 'replaceFile'), 'done')
  t.is(await readFile(path, 'utf8'), 'new')
  t.is((await stat(path)).uid, 0)
  t.deepEqual(await readdir(directory), ['file'])
})

test('whether a file can be replaced is asked as it would be replaced', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'far'))
  await symlink('far/new', join(directory, 'link'))
  await symlink('none/new', join(directory, 'dangling'))
  await run('mkfifo', [join(directory, 'pipe')])
  await writeFile(join(directory, 'old'), 'old')
  for (const name of ['link', 'pipe', 'old', 'n'.repeat(255)]) await checkReplaceable(join(directory, name))
  t.deepEqual((await readdir(directory)).sort(), ['dangling', 'far', 'link', 'old', 'pipe'])
  t.deepEqual(await readdir(join(directory, 'far')), [])
  t.is(await readFile(join(directory, 'old'), 'utf8'), 'old')
  await t.throwsAsync(checkReplaceable(join(directory, 'dangling')), { code: 'ERR_FILE', message: /dangling: could not write: no such file or directory/ })
  await t.throwsAsync(checkReplaceable(directory), { code: 'ERR_FILE', message: /is a directory/ })
  await t.throwsAsync(checkReplaceable(`${directory}/new/`), { code: 'ERR_FILE' })
})

test('what killed writers of the same file have left is removed when it is old', async (t) => {
  const directory = await temporaryDirectory(t)
  const left = ['.file.0123456789ab.tmp', '.file.ba9876543210.tmp', '.file.txt.0123456789ab.tmp', '.file.mine.tmp']
  for (const name of left) await writeFile(join(directory, name), '')
  const hours = (await stat(join(directory, left[0]!))).mtimeMs / 1000 - 4000
  for (const name of left.filter((name) => name !== left[1])) await utimes(join(directory, name), hours, hours)
  await replaceFile(join(directory, 'file'), 'new')
  t.deepEqual((await readdir(directory)).sort(), [...left.slice(1), 'file'].sort())
  await removeTemporaries(join(directory, 'file'))
  t.deepEqual((await readdir(directory)).sort(), [...left.slice(2), 'file'].sort())
})
