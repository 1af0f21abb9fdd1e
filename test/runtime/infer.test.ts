/** Inference on the CPU: norms inside of convolutions, weights packed once, images shared out in blocks or in slices of filters. */
import test from 'ava'
import type { PreResNetDescription } from '../../lib/models/index.js'
import { Inference, logits } from '../support/inference.js'

const small = { height: 9, width: 9, channels: 3 }
const networks: Readonly<Record<string, PreResNetDescription>> = {
  'pre-activation, bottleneck': { family: 'cifar', depth: 20, block: 'bottleneck', widths: [64, 128, 256], input: small },
  'pre-activation, basic, option A': { family: 'cifar', depth: 14, block: 'basic', widths: [16, 40, 64], input: small },
  original: { family: 'cifar', depth: 14, block: 'basic', unit: 'original', widths: [16, 64, 96], input: small },
  'ReLU before addition': { family: 'cifar', depth: 14, block: 'basic', unit: 'relu-before-addition', input: small },
  imagenet: { family: 'imagenet', units: [1, 1, 1, 1], widths: [64, 128, 192, 256], block: 'bottleneck', input: { height: 33, width: 33, channels: 3 } },
}

/** Largest difference, in root mean squares of what is expected. */
function distance(actual: Float64Array, expected: Float64Array): number {
  const rms = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length)
  return Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!))) / rms
}

for (const [name, description] of Object.entries(networks)) {
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

  test.serial(`${name}: the same bits with any number of threads and any block of images`, async (t) => {
    const variable = 'PRERESNET_BLOCK_IMAGES'
    const before = process.env[variable]
    try {
      for (const batch of [1, 3, 7]) {
        Reflect.deleteProperty(process.env, variable)
        const expected = await logits(description, ['cpu', 'fp32'], batch)
        for (const [threads, block] of [
          [2, undefined],
          [5, undefined],
          [2, 2],
          [3, 4],
        ] as const) {
          if (block !== undefined) process.env[variable] = String(block)
          t.deepEqual(await logits(description, ['cpu', 'fp32'], batch, threads), expected, `batch ${batch}, ${threads} threads, blocks of ${String(block)}`)
        }
      }
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, variable)
      else process.env[variable] = before
    }
  })
}

for (const [name, description] of Object.entries(networks)) {
  test.serial(`${name}: an image has the same bits whatever else of the batch is wanted`, async (t) => {
    for (const precision of ['fp32', 'bf16'] as const) {
      for (const batch of [2, 9]) {
        const inference = await Inference.open(description, ['cpu', precision], batch, 2)
        await inference.run()
        const read = async (): Promise<Float64Array> => (await inference.native.read('probabilities')) as Float64Array
        const expected = await read()
        for (const images of [1, 2, 4, 9].filter((count) => count <= batch)) {
          await inference.native.run('infer', { steps: 1, seed: 1, firstStep: 0, learningRates: new Float64Array(0), images, poison: true })
          const found = await read()
          t.deepEqual(found.subarray(0, images * 5), expected.subarray(0, images * 5), `${precision}, ${images} of ${batch}`)
          t.true(found.subarray(images * 5).every(Number.isNaN))
        }
        const wrong = inference.native.run('evaluate', { steps: 1, seed: 1, firstStep: 0, learningRates: new Float64Array(0), images: 1 })
        await t.throwsAsync(wrong, { code: 'ERR_OPTION', message: /without a loss/ })
        await inference.native.dispose()
      }
    }
  })
}

test.serial('weights that are kept packed follow what is written: all, one parameter, one running statistic', async (t) => {
  const description = networks['pre-activation, bottleneck']!
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
  const inference = await Inference.open(networks['original']!, ['cpu', 'fp32'], 5, 2)
  t.deepEqual(await inference.run('evaluate'), await inference.run('infer'))
  t.notDeepEqual(await inference.run('infer', 8), await inference.run('infer', 9))
  await inference.native.dispose()
})
