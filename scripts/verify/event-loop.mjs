// The event loop's delay while fit compiles and trains ResNet-110: best of three, so that a busy neighbor does not decide.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fit, preResNet, sgd } from '../../dist/lib/index.js'
import { randomImages, verdict } from './common.mjs'

const train = await randomImages(512)
const attempts = []
for (let attempt = 0; attempt < 3; attempt++) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const run = fit(preResNet('preresnet-110', { classes: 10 }), { train, batch: 32, steps: 12, seed: 1, learningRate: 0.01, optimizer: sgd({ momentum: 0.9 }) })
  await run.finished
  delay.disable()
  attempts.push({ p99: delay.percentile(99) / 1e6, maximum: delay.max / 1e6 })
  await run[Symbol.asyncDispose]()
}
const best = attempts.toSorted((a, b) => a.maximum - b.maximum)[0]
verdict({ check: 'event loop', unit: 'ms', ...best, attempts, passed: best.p99 < 10 && best.maximum < 50 })
