// A process that trains ResNet-164 with a batch of 128: what it takes above its idle size, against the plan's peakBytes.
import { compile, flip, loader, preResNet, randomCrop, sgd } from '../../dist/lib/index.js'
import { randomImages, resident, verdict } from './common.mjs'

const data = await randomImages(256)
const feed = loader(data, { batch: 128, seed: 1, prepare: { train: [randomCrop({ pad: 4 }), flip()] } })
await feed.next(0)
globalThis.gc?.()
const idle = resident()
const session = await compile(preResNet('preresnet-164', { classes: 10 }), { data: feed, batch: 128, precision: 'fp32', optimizer: sgd({ momentum: 0.9 }) })
await session.steps(3, { learningRate: 0.01 })
const taken = resident() - idle
const peakBytes = session.memory.total
await session.dispose()
await feed.close()
verdict({ check: 'memory of ResNet-164', idle, taken, peakBytes, ratio: taken / peakBytes, passed: Math.abs(taken / peakBytes - 1) <= 0.15 })
