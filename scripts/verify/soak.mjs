// Resident memory must be flat: 20,000 steps of a small network, then 2,000 sessions made and disposed of.
import { batchNorm, classifierHead, compile, conv2d, flip, loader, network, randomCrop, relu, residual, sgd } from '../../dist/lib/index.js'
import { randomImages, resident, verdict } from './common.mjs'

const unit = residual({ branch: [batchNorm(), relu(), conv2d({ channels: 8, kernel: 3 }), batchNorm(), relu(), conv2d({ channels: 8, kernel: 3 })] })
const small = network({
  input: { height: 32, width: 32, channels: 3 },
  layers: { stem: conv2d({ channels: 8, kernel: 3, stride: 4 }), unit, norm: [batchNorm(), relu()], head: classifierHead({ classes: 10 }) },
})
const feed = loader(await randomImages(64), { batch: 4, seed: 1, prepare: { train: [randomCrop({ pad: 4 }), flip()] } })
const options = { data: feed, batch: 4, threads: 2, precision: 'fp32', optimizer: sgd({ momentum: 0.9 }) }
// Garbage that is not collected yet, and the size that V8 gives its nursery, are no leaks: run with
// node --expose-gc --max-semi-space-size=2.
const settled = () => {
  for (let i = 0; i < 3; i++) globalThis.gc()
  return resident()
}
const limit = 4 * 2 ** 20

const session = await compile(small, options)
const steps = async (count) => {
  for (let done = 0; done < count; done += 50) await session.steps(50, { learningRate: 1e-4 })
}
await steps(1000)
const afterSteps = settled()
await steps(19_000)
const stepGrowth = settled() - afterSteps
await session.dispose()

const sessions = async (count) => {
  for (let done = 0; done < count; done++) await (await compile(small, options)).dispose()
}
await sessions(1000)
const afterSessions = settled()
await sessions(1000)
const sessionGrowth = settled() - afterSessions
await feed.close()
verdict({ check: 'soak', stepGrowth, sessionGrowth, limit, passed: stepGrowth < limit && sessionGrowth < limit })
