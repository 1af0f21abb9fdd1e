// One training step of ResNet-1001, batch 8, on the CPU (direct convolution, and Winograd) and on the reference, from the same
// parameters and images. A thousand layers amplify rounding: Winograd's loss is held to the bound as a ratio, the direct one as it is.
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
for (const [name, device, precision, convolution] of [
  ['direct', 'cpu', 'fp32', 'direct'],
  ['winograd', 'cpu', 'fp32', 'auto'],
  ['reference', 'reference', 'fp64', 'auto'],
]) {
  const session = await compile(network, { device, precision, convolution, batch: 8, seed: 7, optimizer: sgd({ momentum: 0.9 }) })
  losses[name] = (await session.step({ x, labels }, { learningRate: 0.01 })).loss
  memory[name] = session.memory.total
  for (const parameter of device === 'cpu' ? session.trainedNames : []) {
    const values = await session.gradient(parameter).read()
    gradients.parameters++
    if (!values.every(Number.isFinite) || !values.some((value) => value !== 0)) gradients.bad.push(`${name}: ${parameter}`)
  }
  await session.dispose()
}
const difference = { direct: Math.abs(losses.direct - losses.reference), winograd: Math.abs(losses.winograd - losses.reference) }
const within = difference.direct <= 1e-4 && difference.winograd <= 1e-4 * Math.abs(losses.reference)
verdict({ check: 'ResNet-1001, one step', losses, difference, gradients, memoryBytes: memory, passed: within && gradients.bad.length === 0 })
