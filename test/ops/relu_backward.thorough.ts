import { positions, present } from '../support/case.js'
import { sumsOfDx, wanted } from '../support/conv_backward.js'
import { flag, given, inner, judge, maybe, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { at, image } from '../support/values.js'

const factors = {
  ...positions,
  x: ['masked', 'read', 'absent'],
  normalized: [true, false],
  add: [true, false],
  sums: [true, false],
} as const

const cases: NamedCase[] = pairwise(factors).map((choice, index) => {
  const { images, groups, channels, size, normalized, add } = choice
  const random = new Random(22000 + index)
  const shape = [images * groups, channels, ...size]
  const hasX = choice.x !== 'absent'
  return {
    name: `${shape.join(' x ')}, ${groups} groups, x ${choice.x}${normalized ? ', normalized' : ''}${add ? ', add' : ''}`,
    inputs: present({
      d: random.normals(shape),
      add: add && random.normals(shape),
      x: hasX && random.activations(shape),
      xScale: hasX && normalized && random.scales([groups, channels]),
      xBias: hasX && normalized && random.normals([groups, channels], 0.5),
    }),
    outputs: present({ dx: shape, sums: hasX && choice.sums && [groups, 2, channels] }),
    attributes: { mask: choice.x === 'masked' },
  }
})

function statement(operation: OperationCase): Results {
  const d = given(operation, 'd')
  const add = maybe(operation, 'add')
  const dx = image(d.shape, (n, c, h, w) => {
    if (flag(operation, 'mask') && inner(operation, 'x', 'xScale', 'xBias')(n, c, h, w) <= 0) return 0
    return (add === undefined ? 0 : at(add, n, c, h, w)) + at(d, n, c, h, w)
  })
  return wanted(operation, { dx: () => dx, sums: () => sumsOfDx(operation, { dx })['sums']! })
}

judge('relu_backward', { cases, statement, derived: sumsOfDx })
