import test from 'ava'
import { positions, present } from '../support/case.js'
import { onesIn } from '../support/convolution.js'
import { reference } from '../support/executors.js'
import { flag, given, inner, judge, maybe, number, sumsOf, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { at, dim, image, valuesOf } from '../support/values.js'

const factors = {
  ...positions,
  writes: ['both', 'y', 'sums'],
  bias: [false, true],
  residual: ['same', 'optionA', 'none', 'subsampled'],
  residualScaled: [true, false],
  residualRelu: [true, false],
  relu: [false, true],
} as const

/** Wider than a block of 256 threads takes, in an odd number of eights, and longer than a grid takes at once. */
const large = [
  { ...pairwise(factors)[0]!, images: 1, groups: 3, channels: 2050, size: [2, 3], writes: 'both', residual: 'same' },
  { ...pairwise(factors)[0]!, images: 24, groups: 1, channels: 9, size: [33, 31], writes: 'both', residual: 'optionA' },
] as const

const cases: NamedCase[] = [...pairwise(factors), ...large].map((choice, index) => {
  const random = new Random(23000 + index)
  const { groups, size } = choice
  const [N, K, P, Q] = [choice.images * groups, choice.channels, ...size] as [number, number, number, number]
  const y = [N, K, P, Q]
  const writes = choice.writes !== 'sums'
  const residual = writes && choice.residual !== 'none'
  const residualSubsample = choice.residual === 'optionA' || choice.residual === 'subsampled' ? 2 : 1
  const L = choice.residual === 'optionA' ? Math.ceil(K / 2) : K
  // Both sizes that subsample to P: odd and even.
  const before = (length: number): number => (residualSubsample === 1 ? length : 2 * length - (index % 2))
  return {
    name: `${y.join(' x ')}, ${groups} groups, ${onesIn(choice)}, residual ${choice.residual}, writes ${choice.writes}`,
    // Threads beyond the last channel have nothing to write; a block that comes later might write over what they do.
    repeated: K === large[0].channels,
    inputs: present({
      x: random.activations(y),
      bias: writes && choice.bias && random.normals([K]),
      residual: residual && random.normals([N, L, before(P), before(Q)]),
      residualScale: residual && choice.residualScaled && random.scales([groups, L]),
      residualBias: residual && choice.residualScaled && random.normals([groups, L], 0.5),
    }),
    outputs: present({ y: writes && y, sums: choice.writes !== 'y' && [groups, 2, K] }),
    attributes: { ...(writes && { relu: choice.relu }), ...(residual && { residualRelu: choice.residualRelu, residualSubsample }) },
  }
})

function statement(operation: OperationCase): Results {
  const x = given(operation, 'x')
  const bias = maybe(operation, 'bias')
  const residual = maybe(operation, 'residual')
  const subsample = number(operation, 'residualSubsample', 1)
  const y = image(x.shape, (n, k, p, q) => {
    let value = at(x, n, k, p, q) + (bias?.data[k] ?? 0)
    if (residual !== undefined && k < dim(residual, 1)) {
      const skip = inner(operation, 'residual', 'residualScale', 'residualBias')(n, k, p * subsample, q * subsample)
      value += flag(operation, 'residualRelu') ? Math.max(skip, 0) : skip
    }
    return flag(operation, 'relu') ? Math.max(value, 0) : value
  })
  return present({ y: 'y' in operation.outputs && y, sums: sumsOfY(operation, { y })['sums'] })
}

/** Of what is stored, or of x where nothing is. */
function sumsOfY(operation: OperationCase, { y }: Results): Results {
  const sums = operation.outputs['sums'] as readonly number[] | undefined
  const summed = y ?? given(operation, 'x')
  return sums === undefined ? {} : { sums: sumsOf(summed, summed, sums[0]!) }
}

judge('residual_add', { cases, statement, derived: sumsOfY })

test('residual_add: after a plain convolution, the same as conv with a residual', async (t) => {
  const random = new Random(23900)
  const [x, y] = [
    [4, 3, 5, 5],
    [4, 6, 5, 5],
  ]
  const attributes = { residualRelu: true, residualSubsample: 2, relu: true }
  const residual = {
    residual: random.normals([4, 3, 9, 10]),
    residualScale: random.scales([2, 3]),
    residualBias: random.normals([2, 3]),
    bias: random.normals([6]),
  }
  const operands = { x: random.normals(x), w: random.normals([6, 3, 1, 1]) }
  const outputs = { y: y, sums: [2, 2, 6] }
  const whole = await runOperation(reference, 'conv', { inputs: { ...operands, ...residual }, outputs, attributes })
  const plain = await runOperation(reference, 'conv', { inputs: operands, outputs: { y: y }, attributes: {} })
  t.deepEqual(await runOperation(reference, 'residual_add', { inputs: { x: plain['y']!, ...residual }, outputs, attributes }), whole)
  t.notDeepEqual(whole['y'], valuesOf(y))
})
