/** Sums of channel-wise passes over the grids of a GPU with 132 multiprocessors: blocks side by side over channels, and more partial sums than one round adds. */
import test from 'ava'
import { difference } from '../support/compare.js'
import { judged } from '../support/executors.js'
import { sumsOf } from '../support/judge.js'
import { runOperation } from '../support/operation.js'
import { Random } from '../support/random.js'
import { roundedFor } from '../support/rounding.js'
import { toleranceOf } from '../support/tolerances.js'

const onEmulated = judged.filter(({ emulated, precision }) => emulated && precision === 'fp16')

/** Images, channels, height, width; groups. */
const shapes = [
  [[17, 16, 32, 32], 1], // more parts than a block has rows
  [[5, 64, 32, 32], 1], // more than four times as many
  [[4, 512, 8, 8], 2], // eight blocks side by side, two groups
  [[1, 2048, 8, 8], 1],
  [[2, 72, 32, 32], 1], // five lanes of eight
] as const

for (const executor of onEmulated) {
  for (const [shape, groups] of shapes) {
    test(`${executor.name}: ${shape.join(' x ')}, ${groups} groups`, async (t) => {
      const random = new Random(77)
      const operation = roundedFor(executor, 'residual_add', {
        inputs: { x: random.activations(shape), residual: random.normals(shape) },
        outputs: { y: shape, sums: [groups, 2, shape[1]] },
        attributes: { relu: false, residualRelu: false, residualSubsample: 1 },
      })
      const [few, many] = [
        await runOperation(executor, 'residual_add', operation),
        await runOperation(executor, 'residual_add', operation, { multiprocessors: 132 }),
      ]
      t.deepEqual(many['y'], few['y'])
      t.notDeepEqual(many['sums'], few['sums'], 'the grid was another one')
      const y = many['y']!
      t.is(difference(many['sums']!, sumsOf(y, y, groups), toleranceOf(executor, 'residual_add', 'sums', operation)), undefined)
      t.deepEqual(await runOperation(executor, 'residual_add', operation, { multiprocessors: 132, scheduleSeed: 3 }), many)
      const { x } = operation.inputs as { x: typeof y }
      const alone = { inputs: { x }, outputs: { sums: [groups, 2, shape[1]] }, attributes: {} }
      const statistics = await runOperation(executor, 'residual_add', alone, { multiprocessors: 132 })
      t.is(difference(statistics['sums']!, sumsOf(x, x, groups), toleranceOf(executor, 'residual_add', 'sums', alone)), undefined)
    })
  }
}
