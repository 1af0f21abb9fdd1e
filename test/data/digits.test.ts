import test from 'ava'
import { digits, shuffledLabels, type MemorySource } from '../../lib/data/index.js'
import { normalizationOf } from '../../lib/data/prepare/normalization.js'

test('the digits: counts, order, pixels and statistics', async (t) => {
  const { train, test: rest } = await digits()
  t.is(train.length, 7996)
  t.is(rest.length, 2004)
  t.deepEqual((train.source as MemorySource).shape, { height: 28, width: 28, channels: 1 })
  t.deepEqual(train.classes, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  const perClass = (labels: Int32Array): number[] => train.classes.map((_, digit) => labels.filter((label) => label === digit).length)
  t.deepEqual(perClass(train.labels), [800, 901, 792, 825, 784, 690, 811, 856, 755, 782])
  t.deepEqual(perClass(rest.labels), [201, 226, 199, 207, 196, 173, 203, 214, 189, 196])
  for (const { source, length } of [train, rest]) {
    t.is(source.kind === 'memory' ? source.images.length : 0, length * 784)
  }
  // MNIST as a whole has 0.1307 and 0.3081; this is a part of it, cut off at three decimals.
  const { mean, std } = await normalizationOf((train.source as MemorySource).images, 1)
  t.true(Math.abs(mean[0]! - 0.1307) < 0.004, String(mean))
  t.true(Math.abs(std[0]! - 0.3081) < 0.004, String(std))
  t.not(rest.fingerprint, train.fingerprint)
  t.is((await digits()).train.fingerprint, train.fingerprint)

  // No image is in both sets.
  const images = (dataset: typeof train): string[] => {
    const { source } = dataset
    return source.kind === 'memory'
      ? Array.from(dataset.labels, (_, index) => Buffer.from(source.images.subarray(index * 784, (index + 1) * 784)).toString('latin1'))
      : []
  }
  const known = new Set(images(train))
  t.true(images(rest).every((image) => !known.has(image)))
})

test('shuffled labels keep their counts and lose their images', async (t) => {
  const { train } = await digits()
  const shuffled = shuffledLabels(train, 1)
  t.is(shuffled.source, train.source)
  t.deepEqual([...shuffled.labels].sort(), [...train.labels].sort())
  const kept = shuffled.labels.filter((label, index) => label === train.labels[index]).length / train.length
  t.true(kept > 0.08 && kept < 0.12, `${kept}`)
  t.not(shuffled.fingerprint, train.fingerprint)
  t.is(shuffledLabels(train, 1).fingerprint, shuffled.fingerprint)
  t.deepEqual([...shuffledLabels(train, 1).labels], [...shuffled.labels])
  t.notDeepEqual([...shuffledLabels(train, 2).labels], [...shuffled.labels])
})
