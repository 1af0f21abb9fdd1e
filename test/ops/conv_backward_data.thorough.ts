import test from 'ava'
import { present } from '../support/case.js'
import { gradientAtInput, sumsOfDx, wanted } from '../support/conv_backward.js'
import { convolutionFactors, convolutionShapes, launchFactors, manyImages, onesIn, stem } from '../support/convolution.js'
import { bitsDiffer } from '../support/compare.js'
import { reference } from '../support/executors.js'
import { given, judge, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'

const factors = {
  ...convolutionFactors,
  x: ['masked', 'read', 'absent'],
  normalized: [true, false],
  sums: [true, false],
} as const

const combinations = pairwise(factors)
const cases: NamedCase[] = [...manyImages.map((choice, index) => ({ ...combinations[index]!, ...choice })), ...combinations].map((choice, index) => {
  const random = new Random(3000 + index)
  const { x, w, y, groups, stride, padding, text } = convolutionShapes(choice)
  const hasX = choice.x !== 'absent'
  return {
    name: `${text}, x ${choice.x}, ${onesIn(choice)}`,
    inputs: present({
      dy: random.normals(y),
      w: random.normals(w, 1 / Math.sqrt(w[0] * w[2] * w[3])),
      x: hasX && random.activations(x),
      xScale: hasX && choice.normalized && random.scales([groups, x[1]]),
      xBias: hasX && choice.normalized && random.normals([groups, x[1]], 0.5),
    }),
    outputs: present({ dx: x, sums: hasX && choice.sums && [groups, 2, x[1]] }),
    attributes: { stride, padding, mask: choice.x === 'masked' },
  }
})

const fusions = pairwise({ ...launchFactors, fused: ['nothing', 'mask and sums'] } as const)
const launches: NamedCase[] = [...fusions, { ...fusions[0]!, ...stem }].map((choice, index) => {
  const random = new Random(3500 + index)
  const { x, w, y, groups, stride, padding, text } = convolutionShapes(choice)
  const masked = choice.fused === 'mask and sums'
  return {
    name: `${text}, fused ${choice.fused}`,
    inputs: present({
      dy: random.normals(y),
      w: random.normals(w, 1 / Math.sqrt(w[0] * w[2] * w[3])),
      x: masked && random.activations(x),
      xScale: masked && random.scales([groups, x[1]]),
      xBias: masked && random.normals([groups, x[1]], 0.5),
    }),
    outputs: present({ dx: x, sums: masked && [groups, 2, x[1]] }),
    attributes: { stride, padding, mask: masked },
  }
})

function statement(operation: OperationCase): Results {
  const dx = gradientAtInput(operation, given(operation, 'dy'), operation.outputs['dx'] as readonly number[])
  return wanted(operation, { dx: () => dx, sums: () => sumsOfDx(operation, { dx })['sums']! })
}

judge('conv_backward_data', { cases: [...cases, ...launches], statement, derived: sumsOfDx })

test('conv_backward_data: the same bits as conv_backward on the reference', async (t) => {
  for (const operation of cases.filter(({ inputs }) => inputs['x'] !== undefined)) {
    const { dy, ...inputs } = operation.inputs
    const attributes = { ...operation.attributes, xRelu: operation.attributes['mask']! }
    const whole = await runOperation(reference, 'conv_backward', { ...operation, attributes, inputs: { ...inputs, d: dy! } })
    t.is(bitsDiffer(await runOperation(reference, 'conv_backward_data', operation), whole), undefined, operation.name)
  }
})
