/** Parts of files: forwards and backwards through a window, and files that have become shorter. */
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FileWindow, openSized, readAtMost, type SizedFile } from '../../lib/formats/file_range.js'
import { temporaryFolder } from '../support/folder.js'

async function opened(t: ExecutionContext): Promise<SizedFile> {
  const path = join(await temporaryFolder(t), 'file')
  await writeFile(
    path,
    Uint8Array.from({ length: 100 }, (_, index) => index),
  )
  const file = await openSized(path)
  t.teardown(() => file.handle.close())
  t.is(file.size, 100)
  return file
}

test('a window gives the bytes that are asked for, in any order', async (t) => {
  const window = new FileWindow(await opened(t), 8)
  for (const [position, length] of [
    [0, 2],
    [6, 2],
    [6, 3],
    [40, 20],
    [45, 15],
    [45, 16],
    [44, 2],
    [3, 5],
    [95, 5],
    [100, 0],
  ] as const)
    t.deepEqual(
      [...(await window.read(position, length))],
      Array.from({ length }, (_, index) => position + index),
      `${length} from ${position}`,
    )
})

test('a file that has become shorter is said to be truncated', async (t) => {
  const file = await opened(t)
  await truncate(file.path, 50)
  await t.throwsAsync(new FileWindow(file, 8).read(40, 20), { code: 'ERR_FILE', message: `${file.path}: truncated: expected 20 bytes at 40, got 10` })
  t.deepEqual([...(await readAtMost(file.handle, 48, 20))], [48, 49])
})

test('with bytes that are asked for, a window reads those behind them', async (t) => {
  const file = await opened(t)
  const window = new FileWindow(file, 8)
  await window.read(0, 2)
  await truncate(file.path, 0)
  t.deepEqual([...(await window.read(2, 6))], [2, 3, 4, 5, 6, 7])
  await t.throwsAsync(window.read(2, 7), { code: 'ERR_FILE', message: /truncated/ })
})
