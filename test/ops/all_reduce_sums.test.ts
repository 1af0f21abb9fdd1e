import { given, judge, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { treeSum } from '../support/tree.js'

const factors = { ranks: [2, 4, 3, 5, 8], groups: [1, 3], channels: [1, 17, 64] } as const

const cases: NamedCase[] = pairwise(factors).map(({ ranks, groups, channels }, index) => {
  const random = new Random(74000 + index)
  const inputs = () => ({ sums: random.normals([groups, 2, channels]) })
  return {
    name: `${ranks} ranks, ${groups} groups, ${channels} channels`,
    inputs: inputs(),
    others: Array.from({ length: ranks - 1 }, inputs),
    outputs: { total: [groups, 2, channels] },
    attributes: { ranks },
  }
})

function statement(operation: OperationCase): Results {
  const ranks: OperationCase[] = [operation, ...operation.others!.map((inputs) => ({ ...operation, inputs }))]
  const data = treeSum(
    ranks.map((one) => Float64Array.from(given(one, 'sums').data)),
    (value) => value,
  )
  return { total: { shape: given(operation, 'sums').shape, data } }
}

judge('all_reduce_sums', { cases, statement })
