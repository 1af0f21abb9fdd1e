/** Inference on the CPU: an image has the same bits with any number of threads, in any block of images, and whatever else of the batch is wanted. */
import test from 'ava'
import { Inference, logits } from '../support/inference.js'
import { inferredNetworks } from '../support/inferred_networks.js'

for (const [name, description] of Object.entries(inferredNetworks)) {
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
