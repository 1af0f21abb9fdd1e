import { join } from 'node:path'
import test from 'ava'
import { imageFolder, memoryDataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { loadBinding } from '../../lib/native/load.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { input, net, normalization, pictureFolder, pictures, settings, side, steps } from '../support/pictures.js'

/** Of each picture, in the order of the data: the means of the probabilities of its crops, cut out one by one. */
async function meanProbabilities(session: Session): Promise<number[][]> {
  const means = []
  for (const name of ['0', '3', '1', '4', '2']) {
    const crops = await Promise.all(
      Array.from({ length: 10 }, (_, sample) =>
        loadBinding().decodeImage(pictures[Number(name)]!, { channels: 3, resize: 14, height: side, width: side, crop: 'ten', sample }),
      ),
    )
    const sums = new Array<number>(session.classes).fill(0)
    for (const { pixels } of crops) {
      const batch = new Uint8Array(4 * side * side * 3)
      batch.set(pixels)
      ;(await session.infer({ images: batch }, { count: 1 })).forEach((value, index) => (sums[index]! += value / 10))
    }
    means.push(sums)
  }
  return means
}

test('ten crops: their probabilities are averaged', async (t) => {
  const { files } = await pictureFolder(t)
  await using session = await compile(net, { prepare: { evaluate: steps, normalization }, ...settings })
  const expected = await meanProbabilities(session)
  const evaluation = await session.evaluate(files, { crops: '10' })
  t.deepEqual(
    [...evaluation.predictions],
    expected.map((sums) => sums.indexOf(Math.max(...sums))),
  )
  const loss = expected.reduce((sum, sums, index) => sum - Math.log(sums[files.labels[index]!]!), 0) / 5
  t.true(Math.abs(evaluation.loss - loss) < 1e-6, `${evaluation.loss} ${loss}`)
  const wrong = evaluation.predictions.filter((prediction, index) => prediction !== files.labels[index]).length
  t.like(evaluation, { samples: 5, corruptImages: 0, top1Errors: wrong, top5Errors: 0, top1Accuracy: 1 - wrong / 5 })
  t.not(evaluation.loss, (await session.evaluate(files)).loss)
  // Nothing is cut out of these.
  await t.throwsAsync(session.evaluate(files, { crops: '10', prepare: { evaluate: [] } }), {
    code: 'ERR_OPTION',
    message: /ten crops are cut out.*got no steps/,
  })
  const memory = await memoryDataset({ ...input, images: randomBytes(side * side * 3, 1), labels: [0], classes: ['a', 'b', 'c'] })
  await t.throwsAsync(session.evaluate(memory, { crops: '10' }), { code: 'ERR_OPTION', message: /got images in memory/ })
})

test('ten crops: the five most probable of more classes, and the loss by which the network is trained', async (t) => {
  const { files } = await pictureFolder(t)
  const wide = preResNet({ family: 'cifar', depth: 8, classes: 9, input })
  const labelSmoothing = 0.3
  await using session = await compile(wide, { prepare: { evaluate: steps, normalization }, ...settings, labelSmoothing })
  const expected = await meanProbabilities(session)
  const labels = [...files.labels]
  const ranks = expected.map((means, index) => means.filter((value) => value > means[labels[index]!]!).length)
  const losses = expected.map((means, index) => {
    const logarithms = means.map(Math.log)
    return -(1 - labelSmoothing) * logarithms[labels[index]!]! - (labelSmoothing * logarithms.reduce((sum, value) => sum + value)) / 9
  })
  const evaluation = await session.evaluate(files, { crops: '10' })
  t.is(evaluation.top5Errors, ranks.filter((rank) => rank >= 5).length)
  t.true(evaluation.top5Errors > 0 && evaluation.top5Errors < 5, `${evaluation.top5Errors}`)
  const loss = losses.reduce((sum, value) => sum + value) / 5
  t.true(Math.abs(evaluation.loss - loss) < 1e-6, `${evaluation.loss} ${loss}`)
})

test('ten crops: of classes that are as probable the first counts as the more probable', async (t) => {
  const { files } = await pictureFolder(t)
  await using session = await compile(net, { prepare: { evaluate: steps, normalization }, ...settings })
  for (const name of ['head.fc.weight', 'head.fc.bias']) {
    const parameter = session.parameter(name)
    await parameter.write(new Float64Array(parameter.length))
  }
  const evaluation = await session.evaluate(files, { crops: '10' })
  t.deepEqual([...evaluation.predictions], [0, 0, 0, 0, 0])
  t.is(evaluation.top1Errors, [...files.labels].filter((label) => label > 0).length)
})

test('ten crops of a file that is no image do not count where that is wanted', async (t) => {
  const { files } = await pictureFolder(t, { 'b/broken.png': pictures[0]!.subarray(0, 200) })
  await using session = await compile(net, { prepare: { evaluate: steps, normalization }, ...settings })
  await t.throwsAsync(session.evaluate(files, { crops: '10' }), { code: 'ERR_IMAGE', message: /broken\.png/ })
  const evaluation = await session.evaluate(files, { crops: '10', corrupt: 'skip' })
  t.like(evaluation, { samples: 5, corruptImages: 1 })
  t.is(evaluation.predictions.indexOf(-1), 4)
})

test('where no image can be decoded there is no evaluation, by one crop or by ten', async (t) => {
  const { path } = await pictureFolder(t)
  await writeFiles(join(path, 'test'), Object.fromEntries(pictures.map((picture, index) => [`${'abc'[index % 3]!}/${index}.png`, picture.subarray(0, 60)])))
  const files = await imageFolder(join(path, 'test'))
  await using session = await compile(net, { prepare: { evaluate: steps, normalization }, ...settings })
  for (const crops of ['1', '10'] as const) {
    const wanted = { code: 'ERR_DATASET', message: /expected images, got 5 samples of which none can be decoded/ }
    await t.throwsAsync(session.evaluate(files, { crops, corrupt: 'skip' }), wanted, crops)
  }
})
