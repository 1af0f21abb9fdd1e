/** On the CPU a group of images is computed as a batch of its own: every bit, and what parameters get of them is added by a balanced binary tree. */
import test from 'ava'
import type { OperationName } from '../../lib/contracts.js'
import { bitsDiffer } from '../support/compare.js'
import { onHost, type TestExecutor } from '../support/executors.js'
import { runOperation, type OperationCase } from '../support/operation.js'
import { Random } from '../support/random.js'
import { treeSum } from '../support/tree.js'
import type { Values } from '../support/values.js'

const random = new Random(71000)

/** Operands that all groups share, and gradients of those. */
const shared = new Set(['w', 'bias', 'weight', 'dw', 'dbias', 'dweight', 'dbeta', 'metrics'])

/** An operation on all groups together; `part` and `ofGroup` cut one group out of it. */
interface GroupCase {
  readonly name: string
  readonly op: OperationName
  readonly groups: number
  /** Those that have no attribute `groups` find it in their operands. */
  readonly told?: false
  readonly operation: OperationCase
}

interface Shape {
  readonly images: number
  readonly channels: number
  readonly filters: number
  readonly size: number
  readonly kernel?: number
}

/** groups x images, forwards. */
function conv(name: string, groups: number, { images, channels, filters, size, kernel = 3 }: Shape, attributes: OperationCase['attributes'] = {}): GroupCase {
  const N = groups * images
  return {
    name,
    op: 'conv',
    groups,
    operation: {
      inputs: {
        x: random.activations([N, channels, size, size]),
        xScale: random.scales([groups, channels]),
        xBias: random.normals([groups, channels], 0.5),
        w: random.normals([filters, channels, kernel, kernel], 0.1),
        bias: random.normals([filters]),
      },
      outputs: { y: [N, filters, size, size], sums: [groups, 2, filters] },
      attributes: { padding: (kernel - 1) / 2, xRelu: true, ...attributes },
    },
  }
}

function backward(
  name: string,
  groups: number,
  { images, channels, filters, size, kernel = 3 }: Shape,
  wanted: readonly ('dw' | 'dx' | 'dbias')[],
  attributes: OperationCase['attributes'] = {},
): GroupCase {
  const N = groups * images
  const dx = wanted.includes('dx')
  return {
    name,
    op: 'conv_backward',
    groups,
    operation: {
      inputs: {
        d: random.normals([N, filters, size, size]),
        y: random.normals([N, filters, size, size]),
        dA: random.scales([groups, filters]),
        dB: random.normals([groups, filters]),
        dC: random.normals([groups, filters]),
        x: random.activations([N, channels, size, size]),
        xScale: random.scales([groups, channels]),
        xBias: random.normals([groups, channels], 0.5),
        w: random.normals([filters, channels, kernel, kernel], 0.1),
      },
      outputs: {
        ...(wanted.includes('dw') && { dw: [filters, channels, kernel, kernel] }),
        ...(wanted.includes('dbias') && { dbias: [filters] }),
        ...(dx && { dx: [N, channels, size, size], sums: [groups, 2, channels] }),
      },
      attributes: { padding: (kernel - 1) / 2, xRelu: true, ...(dx && { mask: true }), ...attributes },
    },
  }
}

const all = ['dw', 'dx', 'dbias'] as const
const small = { images: 11, channels: 20, filters: 24, size: 7 }
/** So many filters that their gradient is made in another way. */
const wide = { images: 3, channels: 128, filters: 128, size: 5 }
const kernel1 = { images: 9, channels: 48, filters: 32, size: 6, kernel: 1 }
/** Of so few images filters are computed in slices. */
const few = { images: 2, channels: 32, filters: 128, size: 5 }

function linear(groups: number, images: number, C: number, K: number): GroupCase[] {
  const N = groups * images
  const [x, w] = [random.normals([N, C]), random.normals([K, C])]
  const name = `${groups} groups of ${images}, ${C} to ${K}`
  const gradients = { inputs: { dy: random.normals([N, K]), x, w }, outputs: { dw: [K, C], dbias: [K], dx: [N, C] }, attributes: {} }
  return [
    { name, op: 'linear', groups, operation: { inputs: { x, w, bias: random.normals([K]) }, outputs: { y: [N, K] }, attributes: {} } },
    { name, op: 'linear_backward', groups, operation: gradients },
  ]
}

function norm(groups: number, C: number): GroupCase {
  return {
    name: `${groups} groups`,
    op: 'bn_backward',
    groups,
    told: false,
    operation: {
      inputs: { sums: random.normals([groups, 2, C]), weight: random.normals([C]), mean: random.normals([groups, C]), invstd: random.scales([groups, C]) },
      outputs: { dweight: [C], dbeta: [C], a: [groups, C], b: [groups, C], c: [groups, C] },
      attributes: { count: 24 },
    },
  }
}

function loss(groups: number, images: number): GroupCase {
  const N = groups * images
  const [logits, labels] = [random.normals([N, 10]), random.integers([N], 10)]
  const operation = { inputs: { logits, labels }, outputs: { metrics: [4] }, attributes: { smoothing: 0.1 } }
  return { name: `${groups} groups of ${images}`, op: 'softmax_cross_entropy', groups, operation }
}

const cases: readonly GroupCase[] = [
  conv('direct', 3, small),
  conv('Winograd', 4, small, { winograd: true }),
  conv('kernel 1', 2, kernel1),
  conv('slices of filters', 4, few),
  conv('many images a granule', 2, { images: 33, channels: 32, filters: 32, size: 3 }),
  backward('direct', 3, small, all),
  backward('direct, the weights alone', 6, small, ['dw']),
  backward('direct, the images alone', 3, small, ['dx', 'dbias']),
  backward('Winograd', 4, small, all, { winograd: true }),
  backward('Winograd, collected', 5, wide, all, { winograd: true }),
  backward('Winograd, collected, the weights alone', 2, wide, ['dw'], { winograd: true }),
  backward('kernel 1', 8, kernel1, ['dw', 'dx']),
  ...linear(2, 21, 65, 10),
  ...linear(7, 3, 40, 33),
  norm(6, 20),
  loss(5, 7),
]

/** The part of an operand that is one group's. */
function part(name: string, values: Values, groups: number, group: number): Values {
  if (shared.has(name)) return values
  const [first, ...rest] = values.shape as [number, ...number[]]
  const length = values.data.length / groups
  return { shape: [first / groups, ...rest], data: values.data.subarray(group * length, (group + 1) * length) }
}

async function ofGroup(executor: TestExecutor, { op, groups, operation }: GroupCase, group: number): Promise<Readonly<Record<string, Values>>> {
  const inputs = Object.fromEntries(Object.entries(operation.inputs).map(([name, value]) => [name, part(name, value as Values, groups, group)]))
  const outputs = Object.fromEntries(
    Object.entries(operation.outputs).map(([name, shape]) => {
      const [first, ...rest] = shape as readonly number[]
      return [name, shared.has(name) ? (shape as readonly number[]) : [first! / groups, ...rest]]
    }),
  )
  return runOperation(executor, op, { ...operation, inputs, outputs }, { threads: 1 })
}

for (const executor of onHost) {
  for (const one of cases) {
    test(`${executor.name}, ${one.op}: ${one.name}`, async (t) => {
      const { op, groups, told, operation } = one
      const attributes = { ...operation.attributes, ...(told !== false && { groups }) }
      const together = await runOperation(executor, op, { ...operation, attributes }, { threads: 2 })
      const apart = await Promise.all(Array.from({ length: groups }, (_, group) => ofGroup(executor, one, group)))
      for (const [name, { data }] of Object.entries(together)) {
        const parts = apart.map((results) => results[name]!.data)
        t.true(data.every(Number.isFinite))
        const expected = shared.has(name) ? treeSum(parts, name === 'metrics' ? (value) => value : Math.fround) : parts.flatMap((values) => [...values])
        t.is(bitsDiffer(data, Float64Array.from(expected)), undefined, name)
      }
    })
  }
}

test('groups that do not divide the images are refused', async (t) => {
  for (const { op, operation } of [conv('', 2, small), backward('', 2, small, all), ...linear(2, 3, 4, 5), loss(2, 3)]) {
    for (const groups of [0, 5]) {
      const run = runOperation(onHost[0]!, op, { ...operation, attributes: { ...operation.attributes, groups } })
      await t.throwsAsync(run, { code: 'ERR_PROGRAM', message: /expected groups that divide \d+ images, got [05]/ }, op)
    }
  }
})
