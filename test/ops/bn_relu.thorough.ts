import test from 'ava'
import { checkAdjoint, rowOf, throughScale } from '../support/adjoint.js'
import { normOf, positions, present } from '../support/case.js'
import { reference } from '../support/executors.js'
import { flag, inner, judge, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { image } from '../support/values.js'

const factors = {
  ...positions,
  normalized: [true, false],
  relu: [true, false],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ images, groups, channels, size, normalized, relu }, index) => {
  const random = new Random(21000 + index)
  const shape = [images * groups, channels, ...size]
  return {
    name: `${shape.join(' x ')}, ${groups} groups${normalized ? ', normalized' : ''}${relu ? ', relu' : ''}`,
    inputs: present({
      x: random.activations(shape),
      ...normOf(random, normalized, groups, channels),
    }),
    outputs: { y: shape },
    attributes: { relu },
  }
})

function statement(operation: OperationCase): Results {
  const raw = inner(operation, 'x', 'scale', 'bias')
  return {
    y: image(operation.outputs['y'] as readonly number[], (...position) => (flag(operation, 'relu') ? Math.max(raw(...position), 0) : raw(...position))),
  }
}

judge('bn_relu', { cases, statement })

test('bn_relu: relu_backward is its adjoint', async (t) => {
  const random = new Random(21900)
  const shape = [6, 5, 4, 3]
  const point = { x: random.activations(shape), scale: random.scales([3, 5]), bias: random.normals([3, 5], 0.5) }
  await checkAdjoint(t, {
    random,
    point,
    forward: async ({ x, scale, bias }) => [
      (await runOperation(reference, 'bn_relu', { inputs: { x: x!, scale: scale!, bias: bias! }, outputs: { y: shape }, attributes: { relu: true } }))['y']!,
    ],
    backward: async ({ x, scale, bias }, [d]) => {
      const { dx, sums } = await runOperation(reference, 'relu_backward', {
        inputs: { d: d!, x: x!, xScale: scale!, xBias: bias! },
        outputs: { dx: shape, sums: [3, 2, 5] },
        attributes: { mask: true },
      })
      return { x: throughScale(dx!, scale!), scale: rowOf(sums!, 1), bias: rowOf(sums!, 0) }
    },
  })
})
