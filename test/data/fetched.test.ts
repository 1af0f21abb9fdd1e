/** Files that are to be read are fetched into the page cache a batch before. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { loader, trivialAugment, type LoaderOptions } from '../../lib/data/index.js'
import { temporaryFolder } from '../support/folder.js'
import { labelsOf, numbered, numberedFiles, numberedShape as input, readBatches } from '../support/numbered.js'

const count = 12

/** Bytes of a file that are in the page cache; of Debian's util-linux-extra, which not every machine has. */
const fincore = ['/usr/bin/fincore', '/bin/fincore'].find((path) => existsSync(path))
const resident = (path: string): number => Number(execFileSync(fincore!, ['--bytes', '--noheadings', '--output', 'RES', path], { encoding: 'utf8' }))

/** What was written has to be on the disk before the system can drop it. */
async function forget(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.sync()
  execFileSync('dd', ['status=none', `if=${path}`, 'of=/dev/null', 'iflag=nocache', 'count=0'])
}

/** Of files that are read in this order: those of two batches are read, those of the next one fetched, and no others. */
async function fetchesNext(t: ExecutionContext, order: readonly number[], options: Omit<LoaderOptions, 'batch'>): Promise<void> {
  if (fincore === undefined) {
    t.log('without fincore nobody sees what is in the page cache')
    t.pass()
    return
  }
  const folder = await temporaryFolder(t)
  const dataset = await numberedFiles(folder, count)
  const paths = Array.from({ length: count }, (_, index) => join(folder, `${index}.png`))
  for (const path of paths) await forget(path)
  if (paths.some((path) => resident(path) > 0)) {
    t.log('these files are in memory alone: nothing can be fetched')
    t.pass()
    return
  }
  // Two slots: batches 0 and 1 are filled, while nobody releases the first.
  await using batches = loader(dataset, { batch: 2, input, workers: 1, slots: 2, ...options })
  const loop = batches[Symbol.asyncIterator]()
  await loop.next()
  const known = (): boolean[] => paths.map((path) => resident(path) > 0)
  const expected = paths.map((_, index) => order.slice(0, 6).includes(index))
  for (let attempt = 0; attempt < 200 && known().filter(Boolean).length < 6; attempt++) await wait(10)
  t.deepEqual(known(), expected)
}

test('a worker that fills a batch has the files of the next one fetched, and no others', async (t) => {
  await fetchesNext(t, [...Array(count).keys()], { mode: 'evaluate' })
})

test('images that are augmented are fetched too', async (t) => {
  const prepare = { train: [trivialAugment()] }
  const order = labelsOf(await readBatches(await numbered(count), { batch: 2, seed: 1 }, 0, 3))
  await fetchesNext(t, order, { mode: 'train', seed: 1, prepare })
})
