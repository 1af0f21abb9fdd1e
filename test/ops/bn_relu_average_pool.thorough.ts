import test from 'ava'
import { normOf, present } from '../support/case.js'
import { everyone } from '../support/executors.js'
import { flag, inner, judge, number, sumsOfY, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { averagePoolingCases, covers } from '../support/pooling.js'
import { Random } from '../support/random.js'
import { image } from '../support/values.js'

const cases: NamedCase[] = averagePoolingCases.map(({ name, x, y, channels, groups, normalized, sums, attributes }, index) => {
  const random = new Random(8500 + index)
  return {
    name,
    inputs: present({
      x: random.normals(x),
      ...normOf(random, normalized, groups, channels),
    }),
    outputs: present({ y, sums: sums && [groups, 2, channels] }),
    attributes,
  }
})

/** Every position of the image is asked whether it is in the window, and those outside of it count as zeros. */
function statement(operation: OperationCase): Results {
  const raw = inner(operation, 'x', 'scale', 'bias')
  const [, , H, W] = (operation.inputs['x'] as { shape: readonly number[] }).shape as [number, number, number, number]
  const y = image(operation.outputs['y'] as readonly number[], (n, c, p, q) => {
    let sum = 0
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++) {
        if (!covers(operation, p, q, h, w)) continue
        const value = raw(n, c, h, w)
        sum += flag(operation, 'relu') ? Math.max(value, 0) : value
      }
    }
    return sum / number(operation, 'kernel', 0) ** 2
  })
  return { y, ...sumsOfY(operation, { y }) }
}

judge('bn_relu_average_pool', { cases, statement, derived: sumsOfY })

/** torch.nn.AvgPool2d(3, stride=2, padding=1) of 1 ... 9, by hand: the corner sees 1, 2, 4, 5 and five zeros. */
test('positions outside of the image count as zeros', async (t) => {
  const x = { shape: [1, 1, 3, 3], data: Float64Array.from({ length: 9 }, (_, index) => index + 1) }
  const operation = { inputs: { x }, outputs: { y: [1, 1, 2, 2] }, attributes: { kernel: 3, stride: 2, padding: 1 } }
  for (const executor of everyone) {
    const { y } = await runOperation(executor, 'bn_relu_average_pool', operation)
    const expected = [12, 16, 24, 28].map((sum) => sum / 9)
    for (const [index, value] of expected.entries()) t.true(Math.abs(y!.data[index]! - value) <= 2 ** -8 * value, `${executor.name}: ${y!.data[index]!}`)
  }
})
