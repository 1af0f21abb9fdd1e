import { positions, present } from '../support/case.js'
import { given, judge, maybe, perChannel, type NamedCase } from '../support/judge.js'
import type { OperationCase, Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { at, dim, image } from '../support/values.js'

const factors = {
  ...positions,
  skip: [true, false],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ images, groups, channels, size, skip }, index) => {
  const random = new Random(7000 + index)
  const shape = [images * groups, channels, ...size]
  const perGroup = [groups, channels]
  return {
    name: `${shape.join(' x ')}, ${groups} groups${skip ? ', skip' : ''}`,
    inputs: present({
      d: random.normals(shape),
      x: random.normals(shape),
      a: random.scales(perGroup),
      b: random.normals(perGroup, 0.3),
      c: random.normals(perGroup, 0.3),
      skip: skip && random.normals(shape),
    }),
    outputs: { dx: shape },
    attributes: {},
  }
})

function statement(operation: OperationCase): Results {
  const [d, x, a, b, c] = ['d', 'x', 'a', 'b', 'c'].map((operand) => given(operation, operand))
  const skip = maybe(operation, 'skip')
  const images = dim(x!, 0)
  return {
    dx: image(x!.shape, (n, channel, h, w) => {
      const [A, B, C] = [a, b, c].map((values) => perChannel(values, n, images, channel, NaN)) as [number, number, number]
      return (skip === undefined ? 0 : at(skip, n, channel, h, w)) + C + B * at(x!, n, channel, h, w) + A * at(d!, n, channel, h, w)
    }),
  }
}

judge('bn_apply_backward', { cases, statement })
