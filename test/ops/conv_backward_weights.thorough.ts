import test from 'ava'
import { present } from '../support/case.js'
import { channelSums, gradientAtWeights, wanted } from '../support/conv_backward.js'
import { convolutionFactors, convolutionShapes, launchFactors, manyImages, onesIn, stem, transforms } from '../support/convolution.js'
import { bitsDiffer } from '../support/compare.js'
import { reference } from '../support/executors.js'
import { given, judge, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { valuesOf } from '../support/values.js'

const factors = { ...convolutionFactors, normalized: [true, false], xRelu: [true, false], dbias: [true, false] } as const

const combinations = pairwise(factors)
const cases: NamedCase[] = [...manyImages.map((choice, index) => ({ ...combinations[index]!, ...choice })), ...combinations].map((choice, index) => {
  const random = new Random(4000 + index)
  const { x, w, y, groups, stride, padding, text } = convolutionShapes(choice)
  return {
    name: `${text}, ${onesIn(choice)}`,
    inputs: present({
      dy: random.normals(y),
      x: random.activations(x),
      xScale: choice.normalized && random.scales([groups, x[1]]),
      xBias: choice.normalized && random.normals([groups, x[1]], 0.5),
    }),
    outputs: present({ dw: w, dbias: choice.dbias && [w[0]] }),
    attributes: { stride, padding, xRelu: choice.xRelu },
  }
})

const fusions = pairwise({ ...launchFactors, transform: transforms, dbias: [false, true] })
const launches: NamedCase[] = [...fusions, { ...fusions[0]!, ...stem }, { ...fusions[1]!, ...stem, transform: 'none' as const }].map((choice, index) => {
  const random = new Random(4500 + index)
  const { x, w, y, groups, stride, padding, text } = convolutionShapes(choice)
  const whole = choice.transform !== 'none'
  return {
    name: `${text}, transform ${choice.transform}, ${onesIn(choice)}`,
    inputs: present({
      dy: random.normals(y),
      x: random.activations(x),
      xScale: whole && random.scales([groups, x[1]]),
      xBias: whole && random.normals([groups, x[1]], 0.5, choice.transform === 'whole' ? 0 : 5),
    }),
    outputs: present({ dw: w, dbias: choice.dbias && [w[0]] }),
    attributes: { stride, padding, xRelu: whole },
  }
})

function statement(operation: OperationCase): Results {
  const dy = given(operation, 'dy')
  return wanted(operation, { dw: () => gradientAtWeights(operation, dy, operation.outputs['dw'] as readonly number[]), dbias: () => channelSums(dy) })
}

/** Whatever the factors of dw are rounded to, dbias is a sum of dy as it is. */
const sumOfDy = (operation: OperationCase): Results => wanted(operation, { dbias: () => channelSums(given(operation, 'dy')) })

judge('conv_backward_weights', { cases: [...cases, ...launches], statement, derived: sumOfDy })

test('conv_backward_weights: the same bits as conv_backward on the reference', async (t) => {
  for (const operation of cases) {
    const { dy, ...inputs } = operation.inputs
    const w = valuesOf(operation.outputs['dw'] as readonly number[])
    const whole = await runOperation(reference, 'conv_backward', { ...operation, inputs: { ...inputs, d: dy!, w } })
    t.is(bitsDiffer(await runOperation(reference, 'conv_backward_weights', operation), whole), undefined, operation.name)
  }
})
