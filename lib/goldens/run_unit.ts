/** One forward and backward pass through a unit with an external gradient, then a forward pass in evaluation mode. */
import { type GoldenCase, tensor, type UnitDescription } from './case_file.js'
import { open, readAll, type GoldenTarget } from './target.js'
import { unitNetwork } from './unit_network.js'

export async function runUnit(golden: GoldenCase, target: GoldenTarget): Promise<ReadonlyMap<string, ArrayLike<number>>> {
  const unit = golden.description as UnitDescription
  const x = tensor(golden, 'x')
  const [batch, , height, width] = x.shape
  const opened = await open(golden, unitNetwork(golden.name, unit, height!, width!), target, {
    batch: batch!,
    programs: ['train', 'infer'],
    input: { kind: 'tensor' },
    loss: { kind: 'externalGradient' },
    inputGradient: true,
    statisticsGroups: unit.statisticsGroups ?? 1,
  })
  const { session } = opened
  try {
    const got = new Map<string, ArrayLike<number>>()
    await session.write('x', Float64Array.from(x.values))
    await session.write('dy', Float64Array.from(tensor(golden, 'dy').values))
    await session.run('train', { steps: 1, seed: 0, firstStep: 0, learningRates: new Float64Array(0) })
    got.set('y', await session.read('y'))
    got.set('dx', await session.read('dx'))
    await readAll(golden, opened, 'grad/', got)
    await readAll(golden, opened, 'after/', got)
    await session.run('infer', { steps: 1, seed: 0, firstStep: 0, learningRates: new Float64Array(0) })
    got.set('y_eval', await session.read('y'))
    return got
  } finally {
    await session.dispose()
  }
}
