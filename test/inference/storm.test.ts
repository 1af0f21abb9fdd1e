/** A classifier under requests that come and go; storm.thorough.ts sends more of them. */
import { join } from 'node:path'
import test from 'ava'
import { Classifier } from '../../lib/inference/index.js'
import { temporaryFolder } from '../support/folder.js'
import { storm, writeModel } from './model.js'

test('in a storm every request is answered rightly, refused or ended, and nothing is left', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  await writeModel(path)
  await using classifier = await Classifier.load(path, { threads: 1, maxQueue: 15, batch: 4 })
  const counts = await storm(t, classifier, { requests: 500 })
  const { images, batches } = classifier.statistics()
  t.is(
    Object.values(counts).reduce((sum, count) => sum + count),
    500,
  )
  t.deepEqual(
    Object.keys(counts).filter((key) => !/^(patient (right|ERR_BUSY)|aborted (right|ERR_ABORTED|ERR_BUSY)|broken (ERR_IMAGE|ERR_BUSY))$/.test(key)),
    [],
  )
  for (const key of ['patient right', 'patient ERR_BUSY', 'aborted ERR_ABORTED', 'broken ERR_IMAGE']) t.true(counts[key]! > 0, key)
  t.is(images.answered, 6 + counts['patient right']! + (counts['aborted right'] ?? 0))
  t.is(images.failed, counts['broken ERR_IMAGE']!)
  t.true(batches[3]! > 0)
})

test('disposed of in the middle of it, it ends whatever it has, and takes nothing more', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  await writeModel(path)
  const classifier = await Classifier.load(path, { threads: 1, batch: 4 })
  const counts = await storm(t, classifier, { requests: 300, disposeAfter: 150 })
  t.deepEqual(
    Object.keys(counts).filter((key) => !/^(patient|aborted|broken) (right|ERR_IMAGE|ERR_ABORTED|ERR_DISPOSED)$/.test(key)),
    [],
  )
  for (const key of ['patient right', 'patient ERR_ABORTED', 'patient ERR_DISPOSED']) t.true(counts[key]! > 0, key)
})
