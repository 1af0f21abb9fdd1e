// One training step of ResNet-1001, batch 8, on the CPU and on the reference, from the same parameters and images.
import { compile, preResNet, sgd } from '../../dist/lib/index.js'
import { verdict } from './common.mjs'

const network = preResNet('preresnet-1001', { classes: 10 })
let state = 12345
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const x = Float64Array.from({ length: 8 * 3 * 32 * 32 }, () => random() * 2 - 1)
const labels = Int32Array.from({ length: 8 }, (_, index) => index)
const losses = {}
const memory = {}
let gradients = { parameters: 0, bad: [] }
for (const [device, precision] of [
  ['cpu', 'fp32'],
  ['reference', 'fp64'],
]) {
  const session = await compile(network, { device, precision, batch: 8, seed: 7, optimizer: sgd({ momentum: 0.9 }) })
  losses[device] = (await session.step({ x, labels }, { learningRate: 0.01 })).loss
  memory[device] = session.memory.total
  for (const name of device === 'cpu' ? session.trainedNames : []) {
    const values = await session.gradient(name).read()
    gradients.parameters++
    if (!values.every(Number.isFinite) || !values.some((value) => value !== 0)) gradients.bad.push(name)
  }
  await session.dispose()
}
const error = Math.abs(losses.cpu - losses.reference) / Math.abs(losses.reference)
verdict({ check: 'ResNet-1001, one step', losses, error, gradients, memoryBytes: memory, passed: error <= 1e-4 && gradients.bad.length === 0 })
