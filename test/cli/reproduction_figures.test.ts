/** Pictures of a finished table: which cases, which run of each, in how many panels. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { figuresOf, medianRun, panels } from '../../lib/cli/reproduction/figures.js'
import type { Outcome } from '../../lib/cli/reproduction/outcome.js'
import { rows, trainingOf } from '../../lib/cli/reproduction/rows.js'
import { temporaryFolder } from '../support/folder.js'

test('the run of a case is the one in the middle; the case that others are compared with is in each panel', (t) => {
  const runs = [7, 5, 9, 6].map((top1, index) => ({ seed: index, steps: 1, top1, top5: 1, seconds: 1, directory: String(top1) }))
  t.is(medianRun(runs).top1, 6)
  t.is(medianRun(runs.slice(0, 3)).top1, 7)
  t.deepEqual(panels([0, 1, 2, 3, 4]), [[0, 1, 2, 3, 4]])
  t.deepEqual(panels([0, 1, 2, 3, 4, 5, 6]), [
    [0, 1, 2, 3],
    [0, 4, 5, 6],
  ])
})

test('a figure for each table and set of images, a curve for each training', async (t) => {
  const folder = await temporaryFolder(t)
  const outcome = async (id: string, error: number): Promise<Outcome> => {
    const row = rows.find((each) => each.id === id)!
    const directory = join(folder, id)
    await mkdir(directory, { recursive: true })
    const lines = [
      { kind: 'train', step: 10, loss: 2.1 },
      { kind: 'train', step: 20, loss: 0.3 },
      { kind: 'validation', step: 20, top1Error: error },
    ]
    await writeFile(join(directory, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const run = { seed: 1, steps: 20, top1: 100 * error, top5: 1, seconds: 1, directory }
    return { row, training: trainingOf(row)!, runs: [run], remarks: ['the same schedule, shortened to 0.1 of its length'] }
  }
  const figures = await figuresOf([
    await outcome('table-1/original', 0.1),
    await outcome('table-1/conv-shortcut', 0.2),
    await outcome('table-2/e/110', 0.1),
    await outcome('table-3/cifar100/164/original', 0.3),
  ])
  t.deepEqual(
    figures.map(({ name }) => name),
    ['table-1-cifar10', 'table-2-cifar10', 'table-3-cifar100'],
  )
  const [first, second] = figures
  t.is([...first!.svg.matchAll(/class="loss"/g)].length, 2)
  t.regex(first!.svg, />Table 1, cifar10; the same schedule, shortened to 0\.1 of its length</)
  t.regex(first!.svg, />1x1 conv shortcut</)
  t.is([...second!.svg.matchAll(/class="error"/g)].length, 1)
  const [, top] = /d="M720,([\d.]+)"[^>]* class="error"/.exec(second!.svg)!
  t.true(Number.isFinite(Number(top)))
})
