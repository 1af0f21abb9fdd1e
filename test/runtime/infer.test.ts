/** Inference on the CPU: norms inside of convolutions, weights packed once, images shared out in blocks or in slices of filters. */
import test from 'ava'
import { Inference, logits } from '../support/inference.js'
import { inferredNetworks } from '../support/inferred_networks.js'

/** Largest difference, in root mean squares of what is expected. */
function distance(actual: Float64Array, expected: Float64Array): number {
  const rms = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length)
  return Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!))) / rms
}

for (const [name, description] of Object.entries(inferredNetworks)) {
  test.serial(`${name}: batches of any size agree with the reference`, async (t) => {
    for (const batch of [1, 2, 3, 5, 9]) {
      const expected = await logits(description, ['reference', 'fp64'], batch)
      t.true(expected.every(Number.isFinite))
      const fp32 = distance(await logits(description, ['cpu', 'fp32'], batch), expected)
      t.true(fp32 < 2e-5, `batch ${batch}, fp32: ${fp32}`)
      const bf16 = distance(await logits(description, ['cpu', 'bf16'], batch), expected)
      t.true(bf16 < 0.1, `batch ${batch}, bf16: ${bf16}`)
    }
  })
}

test.serial('weights that are kept packed follow what is written: all, one parameter, one running statistic', async (t) => {
  const description = inferredNetworks['pre-activation, bottleneck']!
  const open = (): Promise<Inference> => Inference.open(description, ['cpu', 'fp32'], 3)
  const kept = await open()
  const change = async (work: (inference: Inference) => Promise<void>): Promise<void> => {
    const before = await kept.run()
    t.deepEqual(await kept.run(), before, 'a run changes nothing')
    await work(kept)
    const after = await kept.run()
    t.notDeepEqual(after, before)
    // A session that has packed nothing yet.
    const other = await open()
    for (const { name } of [...kept.graph.parameters, ...kept.graph.buffers]) await other.native.write(name, await kept.native.read(name))
    t.deepEqual(await other.run(), after)
    await other.native.dispose()
  }
  await change((inference) => inference.write(2))
  for (const part of ['conv2.weight', 'norm2.running_var', 'norm3.weight', 'norm2.running_mean']) {
    const { name, shape } = [...kept.graph.parameters, ...kept.graph.buffers].find((entry) => entry.name.endsWith(part))!
    await change((inference) => inference.native.write(name, new Float64Array(shape.reduce((product, size) => product * size, 1)).fill(0.75)))
  }
  await kept.native.dispose()
})

test.serial('evaluation and inference compute the same logits', async (t) => {
  const inference = await Inference.open(inferredNetworks['original']!, ['cpu', 'fp32'], 5, 2)
  t.deepEqual(await inference.run('evaluate'), await inference.run('infer'))
  t.notDeepEqual(await inference.run('infer', 8), await inference.run('infer', 9))
  await inference.native.dispose()
})
