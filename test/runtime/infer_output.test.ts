/** What `session.infer` gives: fp32, probabilities or logits. */
import test from 'ava'
import { compile } from '../../lib/runtime/compile.js'
import { inTurn } from '../../lib/runtime/internals.js'
import { tiny } from '../training/tiny.js'

const BATCH = 4
const CLASSES = 10

const normal = (count: number): Float32Array => Float32Array.from({ length: count }, (_, index) => Math.sin(1.7 * index) + Math.cos(0.31 * index))

for (const [device, precision] of [
  ['reference', 'fp64'],
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
] as const) {
  test(`infer gives the numbers that the ${device} computes in ${precision}, in fp32`, async (t) => {
    await using session = await compile(tiny(), { device, precision, batch: BATCH, seed: 3, threads: 1 })
    const x = normal(BATCH * 784)
    const probabilities = await session.infer({ x })
    t.true(probabilities instanceof Float32Array)
    t.is(probabilities.length, BATCH * CLASSES)
    const computed = (name: string): Promise<Float64Array> => inTurn(session, (native) => native.read(name)) as Promise<Float64Array>
    t.deepEqual(probabilities, Float32Array.from(await computed('probabilities')))
    if (precision !== 'fp64') t.deepEqual([...probabilities], [...(await computed('probabilities'))], 'nothing was rounded')
    const logits = await session.infer({ x }, { output: 'logits' })
    t.true(logits instanceof Float32Array)
    t.deepEqual(logits, Float32Array.from(await computed('logits')))
    for (let image = 0; image < BATCH; image++) {
      const row = [...logits.subarray(image * CLASSES, (image + 1) * CLASSES)].map(Math.exp)
      const sum = row.reduce((total, value) => total + value, 0)
      for (const [index, value] of row.entries()) t.true(Math.abs(value / sum - probabilities[image * CLASSES + index]!) < 1e-6)
    }
    t.deepEqual(await session.infer({ x }, { output: 'logits', count: 1 }), logits.slice(0, CLASSES))
    t.deepEqual(await session.infer({ x }, { output: 'probabilities' }), probabilities)
  })
}

test('another output is refused, and so is memory that does not fit', async (t) => {
  await using session = await compile(tiny(), { device: 'cpu', precision: 'fp32', batch: BATCH, seed: 3, threads: 1 })
  await t.throwsAsync(session.infer({ x: normal(BATCH * 784) }, { output: 'scores' as 'logits' }), { code: 'ERR_OPTION', message: /output.*scores/ })
  const read = (name: string, target: unknown): Promise<Float32Array> => inTurn(session, (native) => native.readFloats(name, target as Float32Array))
  await t.throwsAsync(read('logits', new Float32Array(BATCH * CLASSES + 1)), { code: 'ERR_PARAMETER', message: /41 or more, got 40 of type f32/ })
  await t.throwsAsync(read('predictions', new Float32Array(BATCH)), { code: 'ERR_PARAMETER', message: /floating-point values.*of type i32/ })
  await t.throwsAsync(read('logits', new Float64Array(BATCH * CLASSES)), { code: 'ERR_OPTION', message: /Float32Array/ })
  t.is((await read('logits', new Float32Array(0))).length, 0)
})

test('values are written from where they lie, and values that do not fit are refused', async (t) => {
  for (const precision of ['fp64', 'fp32'] as const) {
    await using session = await compile(tiny(), { device: precision === 'fp64' ? 'reference' : 'cpu', precision, batch: BATCH, seed: 3, threads: 1 })
    const write = (name: string, values: unknown): Promise<void> => inTurn(session, (native) => native.writeFloats(name, values as Float32Array))
    const name = session.parameterNames.at(-1)!
    const bias = session.parameter(name)
    const values = Float32Array.from({ length: bias.length + 2 }, (_, index) => index / 8)
    await write(name, values.subarray(1, -1))
    t.deepEqual([...(await bias.read())], [...values.subarray(1, -1)])
    await t.throwsAsync(write(name, values), { code: 'ERR_PARAMETER', message: new RegExp(`expected ${bias.length} values, got ${values.length}`) })
    await t.throwsAsync(write('predictions', new Float32Array(BATCH)), { code: 'ERR_PARAMETER', message: /expected Int32Array for type i32/ })
    await t.throwsAsync(write(name, new Float64Array(bias.length)), { code: 'ERR_OPTION', message: /Float32Array/ })
    t.deepEqual([...(await bias.read())], [...values.subarray(1, -1)], 'what was refused changed nothing')
  }
})
