import { judge, type NamedCase } from '../support/judge.js'
import { Random } from '../support/random.js'

const cases: NamedCase[] = [2, 3, 8].map((ranks, index) => {
  const random = new Random(75000 + index)
  const inputs = () => ({ gradients: random.normals([300_100]) })
  return {
    name: `${ranks} ranks`,
    inputs: inputs(),
    others: Array.from({ length: ranks - 1 }, inputs),
    outputs: {},
    attributes: { ranks, offsets: [16, 64], lengths: [33, 300_000] },
  }
})

// By itself it changes nothing: test/runtime/overlap.test.ts has it with the `all_reduce` that writes what it began.
judge('all_reduce_begin', { cases, statement: () => ({}) })
