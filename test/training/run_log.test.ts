/** metrics.jsonl and the tags of TensorBoard: accuracy stands beside error. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { writeReport } from '../../lib/cli/report.js'
import { readJsonLines } from '../../lib/formats/jsonl.js'
import type { StepEvent, ValidationEvent } from '../../lib/training/run_events.js'
import { RunLog } from '../../lib/training/run_log.js'
import { bestOf, type StoredState } from '../../lib/training/state.js'
import { temporaryFolder } from '../support/folder.js'

const step = { step: 4, epoch: 1, loss: 0.5, top1Error: 0.25, top1Accuracy: 0.75 } as StepEvent
const validation = { step: 4, epoch: 1, samples: 8, loss: 0.5, top1Error: 0.375, top5Error: 0.125, top1Accuracy: 0.625, top5Accuracy: 0.875 } as ValidationEvent

/** The scalar of a tag: in the message that has it, field 2 (a float of four bytes) follows. */
function scalar(file: Buffer, tag: string): number {
  const at = file.indexOf(tag)
  if (at < 0) throw new Error(`no tag ${tag}`)
  return file.readFloatLE(at + tag.length + 1)
}

test('lines and tags have error and accuracy, each by its name', async (t) => {
  const directory = await temporaryFolder(t)
  const log = await RunLog.open(directory, 0)
  await log.train(step)
  await log.validation(validation)
  await log.close()
  const [train, validated] = await readJsonLines(join(directory, 'metrics.jsonl'))
  t.like(train, { kind: 'train', top1Error: 0.25, top1Accuracy: 0.75 })
  t.like(validated, { kind: 'validation', top1Error: 0.375, top5Error: 0.125, top1Accuracy: 0.625, top5Accuracy: 0.875 })
  const events = (await readdir(directory)).find((name) => name.startsWith('events.'))!
  const file = await readFile(join(directory, events))
  t.is(scalar(file, 'train/top1_error'), 0.25)
  t.is(scalar(file, 'train/top1_accuracy'), 0.75)
  t.is(scalar(file, 'val/top1_error'), 0.375)
  t.is(scalar(file, 'val/top1_accuracy'), 0.625)
  t.is(scalar(file, 'val/top5_error'), 0.125)
  t.is(scalar(file, 'val/top5_accuracy'), 0.875)
})

test('the best validation of an earlier checkpoint, which has its error alone, gets its accuracy', (t) => {
  const best = (stored: StoredState['best']) => bestOf({ best: stored } as StoredState)
  t.deepEqual(best({ step: 3, top1Error: 0.25 }), { step: 3, top1Error: 0.25, top1Accuracy: 0.75 })
  t.deepEqual(best({ step: 3, top1Error: 0.1, top1Accuracy: 0.9 }), { step: 3, top1Error: 0.1, top1Accuracy: 0.9 })
  t.is(best(null), undefined)
})

test('report draws the log of a run of format 1, whose lines have the error alone', async (t) => {
  const run = join(import.meta.dirname, '../../../test/fixtures/format-1/digits-run')
  const path = await writeReport(run, { output: join(await temporaryFolder(t), 'report.html') })
  const page = await readFile(path, 'utf8')
  t.true(page.includes('test error (%)'))
  t.notRegex(page, /NaN|undefined/)
})

test.serial('a clock that is set back while a run goes on makes no duration negative', async (t) => {
  const directory = await temporaryFolder(t)
  const now = Date.now
  t.teardown(() => (Date.now = now))
  const log = await RunLog.open(directory, 0)
  Date.now = () => now() - 3_600_000
  await log.train(step)
  await log.validation(validation)
  await log.close()
  for (const { seconds } of await readJsonLines(join(directory, 'metrics.jsonl'))) t.true((seconds as number) >= 0, String(seconds))
})
