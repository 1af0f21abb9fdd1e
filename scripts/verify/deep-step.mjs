// One training step of ResNet-1001, batch 8, in fp32 on the CPU and on the reference, from the same parameters and images; three seeds.
import { compile, preResNet, sgd } from '../../dist/lib/index.js'
import { verdict } from './common.mjs'

const network = preResNet('preresnet-1001', { classes: 10 })
const memoryBytes = {}
const bad = []
const seeds = []
for (const seed of [7, 8, 9]) {
  let state = seed * 12345
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  const x = Float64Array.from({ length: 8 * 3 * 32 * 32 }, () => random() * 2 - 1)
  const labels = Int32Array.from({ length: 8 }, (_, index) => index)
  const losses = {}
  for (const [device, precision] of [
    ['cpu', 'fp32'],
    ['reference', 'fp64'],
  ]) {
    const session = await compile(network, { device, precision, batch: 8, seed, optimizer: sgd({ momentum: 0.9 }) })
    losses[device] = (await session.step({ x, labels }, { learningRate: 0.01 })).loss
    memoryBytes[device] = session.memory.total
    for (const parameter of device === 'cpu' ? session.trainedNames : []) {
      const values = await session.gradient(parameter).read()
      if (!values.every(Number.isFinite) || !values.some((value) => value !== 0)) bad.push(`seed ${seed}: ${parameter}`)
    }
    await session.dispose()
  }
  seeds.push({ seed, losses, error: Math.abs(losses.cpu - losses.reference) / losses.reference })
}
verdict({ check: 'ResNet-1001, one step', seeds, bad, memoryBytes, passed: bad.length === 0 && seeds.every(({ error }) => error <= 1e-4) })
