/** The same as hostile.test.ts, of a million entries. */
import test from 'ava'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { tarDataset } from '../../lib/data/tar.js'
import { endOfTar, tarHeader } from '../../lib/data/tar_header.js'
import { temporaryFolder } from '../support/folder.js'

const count = 1_000_000
const portion = 10_000

/** Half a gigabyte of headers without contents. */
async function empty(path: string, nameOf: (index: number) => string): Promise<string> {
  const file = await open(path, 'w')
  for (let first = 0; first < count; first += portion)
    await file.write(Buffer.concat(Array.from({ length: portion }, (_, index) => tarHeader(nameOf(first + index), 0))))
  await file.write(endOfTar)
  await file.close()
  return path
}

test.serial('a million empty entries, and none that is an image, take no memory', async (t) => {
  const path = await empty(join(await temporaryFolder(t), 'empty.tar'), () => 'cat/empty.txt')
  const before = process.memoryUsage.rss()
  await t.throwsAsync(tarDataset(path), { code: 'ERR_DATASET', message: /expected at least one image .* got 1000000 other files/ })
  const taken = process.memoryUsage.rss() - before
  t.true(taken < 2 ** 28, `${taken} bytes`)
})

test.serial('a million empty images are as many samples', async (t) => {
  const path = await empty(join(await temporaryFolder(t), 'images.tar'), (index) => `cat/${index}.png`)
  const { length, classes } = await tarDataset(path)
  t.deepEqual([length, classes], [count, ['cat']])
})
