/** Mixes of torchvision and timm, and weighted losses of PyTorch, with the same drawn parameters: test/fixtures/mixing/make.py. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { reference } from '../support/executors.js'
import { runOperation } from '../support/operation.js'
import { valuesOf, type Values } from '../support/values.js'

interface Mixed {
  readonly name: string
  readonly shape: [number, number, number, number]
  readonly x: readonly number[]
  readonly labels: readonly number[]
  readonly y: readonly number[]
  readonly targets: readonly number[]
  readonly partners: readonly number[]
  readonly share: number
  readonly box: readonly number[]
  readonly smoothing: number
}

interface Weighted {
  readonly logits: readonly number[]
  readonly labels: readonly number[]
  readonly weights: readonly number[]
  readonly soft: readonly number[]
  readonly cases: readonly {
    readonly name: string
    readonly op: 'softmax_cross_entropy' | 'binary_cross_entropy'
    readonly soft: boolean
    readonly smoothing: number
    readonly loss: number
    readonly dlogits: readonly number[]
  }[]
}

const file = join(import.meta.dirname, '../../../test/fixtures/mixing/cases.json.gz')
const { mixes, losses } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { mixes: Mixed[]; losses: Weighted }
const values = (shape: readonly number[], data: readonly number[]): Values => valuesOf(shape, (index) => data[index]!)
const farthest = (actual: Values, expected: readonly number[]): number => Math.max(...expected.map((value, index) => Math.abs(value - actual.data[index]!)))

for (const [index, { name, shape, x, labels, y, targets, partners, share, box, smoothing }] of mixes.entries()) {
  test(`${index}, ${name}: the images and the targets that ${name.split(' ')[0]} makes`, async (t) => {
    const images = shape[0]
    const rows = partners.flatMap((partner) => [partner, share * 2 ** 24, ...box])
    const result = await runOperation(reference, 'mix', {
      inputs: { x: values(shape, x), labels: values([images], labels), mixes: values([images, 6], rows) },
      outputs: { y: shape, targets: [images, targets.length / images] },
      attributes: { smoothing },
    })
    t.true(farthest(result['y']!, y) < 1e-11)
    // Theirs are of 32 bits.
    t.true(farthest(result['targets']!, targets) < 1e-7)
    if (box[2]! > 0) t.true(x.some((value, index) => value !== y[index]))
  })
}

for (const { name, op, soft, smoothing, loss, dlogits } of losses.cases) {
  test(`${op} with class weights is PyTorch's: ${name}`, async (t) => {
    const [images, classes] = [losses.labels.length, losses.weights.length]
    const result = await runOperation(reference, op, {
      inputs: {
        logits: values([images, classes], losses.logits),
        labels: values([images], losses.labels),
        ...(soft && { targets: values([images, classes], losses.soft) }),
      },
      outputs: { dlogits: [images, classes], metrics: [4] },
      attributes: { smoothing, classWeights: losses.weights },
    })
    t.true(Math.abs(result['metrics']!.data[0]! / images - loss) < 1e-12)
    t.is(result['metrics']!.data[1], images)
    t.true(farthest(result['dlogits']!, dlogits) < 1e-11)
  })
}
