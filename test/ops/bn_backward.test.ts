import { present } from '../support/case.js'
import { flag, given, judge, number, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { wanted } from '../support/conv_backward.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { matrix, valuesOf } from '../support/values.js'

const factors = {
  channels: [17, 1, 3, 16, 40],
  groups: [1, 3],
  count: [35, 2, 1],
  frozen: [false, true],
  dweight: [true, false],
  dbeta: [true, false],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ channels, groups, count, frozen, dweight, dbeta }, index) => {
  const random = new Random(6000 + index)
  const perGroup = [groups, channels]
  return {
    name: `${channels} channels, ${groups} groups, ${count} values${frozen ? ', frozen' : ''}${dweight ? ', dweight' : ''}${dbeta ? ', dbeta' : ''}`,
    inputs: {
      sums: random.normals([groups, 2, channels]),
      weight: random.scales([channels]),
      mean: random.normals(perGroup, 0.5),
      invstd: random.positives(perGroup),
    },
    outputs: present({ dweight: dweight && [channels], dbeta: dbeta && [channels], a: perGroup, b: perGroup, c: perGroup }),
    attributes: { count, ...(frozen && { frozen }) },
  }
})

/**
 * From y = weight * xhat + beta, xhat = (x - mean) * invstd: with D = sum of d and E = sum of d * xhat,
 * dx = weight * invstd * (d - (D + xhat * E) / n), written as a polynomial in d and x.
 */
function statement(operation: OperationCase): Results {
  const [groups, channels] = operation.outputs['a'] as [number, number]
  const [sums, weight, mean, invstd] = ['sums', 'weight', 'mean', 'invstd'].map((operand) => given(operation, operand).data)
  const n = number(operation, 'count', 0)
  const batch = flag(operation, 'frozen') ? 0 : 1
  const position = (g: number, c: number): number => g * channels + c
  const D = (g: number, c: number): number => sums![g * 2 * channels + c]!
  const E = (g: number, c: number): number => (sums![(g * 2 + 1) * channels + c]! - mean![position(g, c)]! * D(g, c)) * invstd![position(g, c)]!
  const gain = (g: number, c: number): number => weight![c]! * invstd![position(g, c)]!
  const overGroups = (of: (g: number, c: number) => number) => () =>
    valuesOf([channels], (c) => Array.from({ length: groups }, (_, g) => of(g, c)).reduce((total, value) => total + value, 0))
  return wanted(operation, {
    dweight: overGroups(E),
    dbeta: overGroups(D),
    a: () => matrix(groups, channels, gain),
    b: () => matrix(groups, channels, (g, c) => (-batch * gain(g, c) * invstd![position(g, c)]! * E(g, c)) / n),
    c: () => matrix(groups, channels, (g, c) => (-batch * gain(g, c) * (D(g, c) - mean![position(g, c)]! * invstd![position(g, c)]! * E(g, c))) / n),
  })
}

judge('bn_backward', { cases, statement })
