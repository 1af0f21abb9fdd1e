import { present } from '../support/case.js'
import { laidOut } from '../support/gradients.js'
import { given, judge, maybe, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { valuesOf, type Values } from '../support/values.js'

const factors = { times: [2, 4, 3, 7, 8, 1 + 8], metrics: [true, false], lengths: [[5], [16, 1, 33], [9_000, 40]] } as const

const cases: NamedCase[] = pairwise(factors).map(({ times, metrics, lengths }, index) => {
  const random = new Random(72000 + index)
  const { offsets, total } = laidOut(lengths)
  const levels = Math.ceil(Math.log2(times))
  return {
    name: `${times} times${metrics ? ' with metrics' : ''}, segments of ${lengths.join()}`,
    inputs: present({
      gradients: random.normals([total]),
      waitingGradients: random.normals([levels, total]),
      metrics: metrics && random.normals([4]),
      waitingMetrics: metrics && random.normals([levels, 4]),
    }),
    outputs: {},
    attributes: { times, offsets, lengths: [...lengths] },
  }
})

/**
 * A stack of partial sums, of which equal levels are joined. The operation stands alone here, so that each accumulation begins with what the one before left in
 * `value`. The last one joins all.
 */
function accumulated(value: number, waiting: (level: number, kept: number) => void, times: number): number {
  const stack: { level: number; sum: number }[] = []
  for (let index = 0; index < times; index++) {
    const last = index === times - 1
    let top = { level: 0, sum: value }
    while (stack.length > 0 && (last || stack.at(-1)!.level === top.level)) {
      const { level, sum } = stack.pop()!
      top = { level: level + 1, sum: top.sum + sum }
    }
    if (!last) {
      waiting(top.level, top.sum)
      stack.push(top)
    }
    value = top.sum
  }
  return value
}

function statement(operation: OperationCase): Results {
  const { times, offsets, lengths } = operation.attributes as { times: number; offsets: number[]; lengths: number[] }
  const row = (value: Values, waiting: Values, first: number, length: number): [Values, Values] => {
    const [result, kept] = [value, waiting].map(({ shape, data }) => valuesOf(shape, (index) => data[index]!)) as [Values, Values]
    for (let at = first; at < first + length; at++) {
      result.data[at] = accumulated(value.data[at]!, (level, sum) => (kept.data[level * value.data.length + at] = sum), times)
    }
    return [result, kept]
  }
  let sums: [Values, Values] = [given(operation, 'gradients'), given(operation, 'waitingGradients')]
  offsets.forEach((offset, segment) => (sums = row(...sums, offset, lengths[segment]!)))
  const metrics = maybe(operation, 'metrics')
  const [gradients, waitingGradients] = sums
  if (metrics === undefined) return { gradients, waitingGradients }
  const [total, waitingMetrics] = row(metrics, given(operation, 'waitingMetrics'), 0, 4)
  return { gradients, waitingGradients, metrics: total, waitingMetrics }
}

judge('accumulate', { cases, statement })
