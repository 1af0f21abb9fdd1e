import { join } from 'node:path'
import test from 'ava'
import { Classifier } from '../../lib/inference/index.js'
import { temporaryFolder } from '../support/folder.js'
import { storm, writeModel } from './model.js'

const legal = /^(patient (right|ERR_BUSY)|aborted (right|ERR_ABORTED|ERR_BUSY)|broken (ERR_IMAGE|ERR_BUSY))$/

for (const maxDelay of [0, 3]) {
  test.serial(`10,000 requests, a delay of ${maxDelay} ms`, async (t) => {
    const path = join(await temporaryFolder(t), 'model.safetensors')
    await writeModel(path)
    await using classifier = await Classifier.load(path, { threads: 2, maxQueue: 100, maxDelay })
    const counts = await storm(t, classifier, { requests: 10_000 })
    t.deepEqual(
      Object.keys(counts).filter((key) => !legal.test(key)),
      [],
    )
    t.true(counts['patient ERR_BUSY']! > 0 && counts['patient right']! > 5000, JSON.stringify(counts))
  })
}

test.serial('10,000 requests, disposed of after 5,000', async (t) => {
  const path = join(await temporaryFolder(t), 'model.safetensors')
  await writeModel(path)
  const classifier = await Classifier.load(path, { threads: 2 })
  const counts = await storm(t, classifier, { requests: 10_000, disposeAfter: 5_000 })
  t.is(
    Object.values(counts).reduce((sum, count) => sum + count),
    10_000,
  )
  t.falsy(counts['patient wrong'])
  t.falsy(counts['aborted wrong'])
})
