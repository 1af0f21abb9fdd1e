/** Average pooling within a network: what it is fused with, and its gradients. */
import test from 'ava'
import type { ProgramSet } from '../../lib/compiler/program.js'
import { planReport } from '../../lib/compiler/report.js'
import type { OperationName } from '../../lib/contracts.js'
import { averagePool, batchNorm, conv2d, maxPool, network, networkFromJson, relu, residual } from '../../lib/layers/index.js'
import type { Layer, Network, PoolOptions } from '../../lib/layers/index.js'
import { startValues } from '../support/lowered.js'
import { onDevice } from '../support/on_device.js'
import { unitPrograms, unitStep, type UnitStep } from '../support/unit_step.js'

const BATCH = 3

const networkOf = (pool: (options: PoolOptions) => Layer): Network =>
  network({
    name: 'pooled',
    input: { height: 9, width: 7, channels: 3 },
    layers: {
      stem: conv2d({ channels: 5, kernel: 3 }),
      down: [batchNorm(), relu(), pool({ kernel: 3, stride: 2, padding: 1 })],
      unit: residual({ branch: [batchNorm(), pool({ kernel: 3, stride: 1, padding: 1 }), conv2d({ channels: 5, kernel: 3 })] }),
      norm: [batchNorm(), relu(), pool({ kernel: 2 })],
    },
  })
const net = networkOf(averagePool)

const compiled = (device: 'reference' | 'cpu' | 'cuda', of = net): Promise<ProgramSet> => unitPrograms(of, BATCH, device)

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1)
const start = new Map([...startValues(net), ['x', Float64Array.from({ length: BATCH * 3 * 9 * 7 }, (_, index) => Math.sin(index * 1.7))] as const])
const direction = (length: number): Float64Array => Float64Array.from({ length }, (_, index) => Math.cos(index * 0.9))

function step(set: ProgramSet, values: ReadonlyMap<string, Float64Array>): Promise<UnitStep> {
  const y = set.tensors.find(({ name }) => name === 'y')!
  return unitStep(set, new Map(values).set('dy', direction(sizeOf(y.shape))))
}

/** What stands in place of which. */
const MAXIMUM: Partial<Record<OperationName, OperationName>> = { bn_relu_average_pool: 'bn_relu_max_pool', average_pool_backward: 'max_pool_backward' }

test('all that a maximum pooling is fused with it is fused with too: norm, ReLU, mask and sums', async (t) => {
  for (const device of ['reference', 'cpu', 'cuda'] as const) {
    const [average, maximum] = [await compiled(device), await compiled(device, networkOf(maxPool))]
    const operations = ({ programs }: ProgramSet) =>
      programs['train']!.operations.map(({ op, name, operands, fused }) => [MAXIMUM[op] ?? op, name, Object.keys(operands), fused])
    t.deepEqual(operations(average), operations(maximum), device)
    for (const op of Object.keys(MAXIMUM)) t.is(average.programs['train']!.operations.filter((operation) => operation.op === op).length, 3)
    // Read through norms, so kept as they are.
    t.is(planReport(average).activationBytesUnfused, planReport(maximum).activationBytesUnfused, device)
  }
})

test('the reference: gradients are what differences say', async (t) => {
  const set = await compiled('reference')
  const { gradients } = await step(set, start)
  const loss = async (values: ReadonlyMap<string, Float64Array>): Promise<number> => {
    const { y } = await step(set, values)
    const dy = direction(y.length)
    return y.reduce((sum, value, index) => sum + value * dy[index]!, 0)
  }
  for (const [name, gradient] of gradients) {
    const of = name === 'dx' ? 'x' : name.slice('gradient/'.length)
    for (const index of [0, gradient.length >> 1, gradient.length - 1]) {
      const moved = (by: number) =>
        new Map(start).set(
          of,
          start.get(of)!.map((value, at) => (at === index ? value + by : value)),
        )
      const difference = ((await loss(moved(1e-6))) - (await loss(moved(-1e-6)))) / 2e-6
      t.true(
        Math.abs(difference - gradient[index]!) <= 1e-6 * (1 + Math.abs(difference)),
        `${name}[${index}]: ${gradient[index]!}, by differences ${difference}`,
      )
    }
  }
})

test('the other executors compute what the reference does', async (t) => {
  const expected = await step(await compiled('reference'), start)
  for (const device of ['cpu', 'cuda-emulated'] as const) {
    const got = await onDevice(device, async (within) => step(await compiled(within), start))
    for (const [name, values] of [['y', expected.y] as const, ...expected.gradients]) {
      const other = name === 'y' ? got.y : got.gradients.get(name)!
      const largest = Math.max(...values.map(Math.abs), 1e-3)
      const error = Math.max(...values.map((value, index) => Math.abs(value - other[index]!)))
      t.true(error <= 2e-5 * largest, `${device}: ${name} differs by ${error} of ${largest}`)
    }
  }
})

test('a network with it survives JSON', (t) => {
  t.deepEqual(networkFromJson(JSON.parse(JSON.stringify(net))), net)
})
