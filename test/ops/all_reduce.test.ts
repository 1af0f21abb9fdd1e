import { present } from '../support/case.js'
import { laidOut } from '../support/gradients.js'
import { given, judge, maybe, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { treeSum } from '../support/tree.js'
import { valuesOf, type Values } from '../support/values.js'

const factors = { ranks: [2, 4, 3, 5, 8], metrics: [true, false], lengths: [[5], [16, 1, 33], [300_000, 40]] } as const

const cases: NamedCase[] = pairwise(factors).map(({ ranks, metrics, lengths }, index) => {
  const random = new Random(73000 + index)
  const { offsets, total } = laidOut(lengths)
  const inputs = () => present({ gradients: random.normals([total]), metrics: metrics && random.normals([4]) })
  return {
    name: `${ranks} ranks${metrics ? ' with metrics' : ''}, segments of ${lengths.join()}`,
    inputs: inputs(),
    others: Array.from({ length: ranks - 1 }, inputs),
    outputs: {},
    attributes: { ranks, offsets, lengths: [...lengths] },
  }
})

/** Of rank 0; what lies between the segments stays as it is. */
function statement(operation: OperationCase): Results {
  const { offsets, lengths } = operation.attributes as { offsets: number[]; lengths: number[] }
  const ranks: OperationCase[] = [operation, ...operation.others!.map((inputs) => ({ ...operation, inputs }))]
  const sum = (of: (one: OperationCase) => Values): Float64Array =>
    treeSum(
      ranks.map((one) => Float64Array.from(of(one).data)),
      (value) => value,
    )
  const own = given(operation, 'gradients')
  const gradients = valuesOf(own.shape, (index) => own.data[index]!)
  const sums = sum((one) => given(one, 'gradients'))
  offsets.forEach((offset, segment) => gradients.data.set(sums.subarray(offset, offset + lengths[segment]!), offset))
  const metrics = maybe(operation, 'metrics')
  return metrics === undefined ? { gradients } : { gradients, metrics: { shape: metrics.shape, data: sum((one) => given(one, 'metrics')) } }
}

judge('all_reduce', { cases, statement })
