/** Files that are no images, on the emulated device: the same losses from files, from memory and from a set on the device, and nearly the CPU's. */
import test from 'ava'
import { cacheInMemory, loader, type Dataset } from '../../lib/data/index.js'
import { batchNorm, classifierHead, conv2d, network, relu } from '../../lib/layers/index.js'
import { emulated } from '../../lib/native/emulation.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryFolder } from '../support/folder.js'
import { numberedFiles, numberedShape as input } from '../support/numbered.js'
import { relative } from '../support/session.js'

const length = 20
const small = network({
  name: 'small',
  input,
  layers: { stem: conv2d({ channels: 8, kernel: 3 }), norm: [batchNorm(), relu()], head: classifierHead({ classes: length }) },
})
const prepare = { train: [], evaluate: [], normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }

async function run(dataset: Dataset, device: 'cpu' | 'cuda', residentLimit?: number) {
  await using batches = loader(dataset, { batch: 6, seed: 5, input, prepare, corrupt: 'skip', workers: 2 })
  const cuda = residentLimit !== undefined && { cuda: { residentLimit } }
  const options = { data: batches, seed: 2, optimizer: sgd(), device, precision: 'fp32', threads: 1, ...cuda } as const
  await using session = await emulated({}, () => compile(small, options))
  const { losses } = await session.steps(7, { learningRate: 0.05 })
  const { loss, samples, corruptImages, predictions } = await session.evaluate(dataset, { corrupt: 'skip' })
  return { losses: [...losses], loss, samples, corruptImages, predictions: [...predictions] }
}

test('what is skipped does not depend on the device', async (t) => {
  const files = await numberedFiles(await temporaryFolder(t), length, [3, 8, 9, 14])
  const memory = await cacheInMemory(files, { input, corrupt: 'skip' })
  const onDevice = await run(memory, 'cuda')
  t.like(onDevice, { samples: 16, corruptImages: 4 })
  t.deepEqual(await run(memory, 'cuda', 0), onDevice)
  t.deepEqual(await run(files, 'cuda'), onDevice)
  const host = await run(files, 'cpu')
  t.deepEqual(await run(memory, 'cpu'), host)
  t.is(host.samples, 16)
  for (const [index, loss] of onDevice.losses.entries()) t.true(relative(loss, host.losses[index]!) < 1e-4, `step ${index}: ${loss} and ${host.losses[index]!}`)
})
