/** Sums of the residual stream that are computed again instead of kept: the same bits, and less memory. */
import test from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import { planReport, type PlanReport } from '../../lib/compiler/report.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { updateOptions } from '../../lib/runtime/optimizer.js'
import { compile } from '../../lib/runtime/compile.js'
import { sgd } from '../../lib/training/sgd.js'
import { open, operations, recomputations, sameBits, titleOf } from '../support/recomputation.js'

for (const each of recomputations.quick) test(titleOf(each), (t) => sameBits(t, each))

test('of every chain of sums each n-th is kept, and those after the last', async (t) => {
  // Three stages of five sums; the first of each lies behind a projection and stays. Of 3 and of 100 the last sums would be needed at once.
  const description = { family: 'cifar', depth: 47, block: 'bottleneck', input: { height: 8, width: 8, channels: 3 } } as const
  const counts = await Promise.all(
    [1, 2, 3, 4, 100].map(async (every) => {
      await using session = await open(description, ['cpu', 'fp32'], every)
      return operations(session)
    }),
  )
  t.deepEqual(
    counts.map((count) => count - counts[0]!),
    [0, 2 + 2 + 2, 3 + 3 + 2, 3 + 3 + 3, 4 + 4 + 0],
  )
})

/** Programs for a device that need not be there. */
async function planned(
  [device, precision]: readonly [ProgramOptions['device'], ProgramOptions['precision']],
  activationCheckpointing: number,
): Promise<PlanReport> {
  const graph = buildGraph(preResNet({ family: 'cifar', depth: 83, block: 'bottleneck', classes: 10 }))
  return planReport(
    await compilePrograms(graph, {
      device,
      precision,
      activationCheckpointing,
      batch: 4,
      programs: ['train'],
      input: { kind: 'tensor' },
      loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
      update: updateOptions(graph, sgd(), []),
    }),
  )
}

for (const chosen of [
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
  ['cuda', 'fp16'],
  ['cuda', 'bf16'],
  ['cuda', 'fp32'],
] as const) {
  test(`${chosen.join(' ')}: fewer activations are kept for the backward pass`, async (t) => {
    const [all, fewer] = [await planned(chosen, 1), await planned(chosen, 4)]
    // Two thirds of a unit's activations are its sum, of which a quarter stays.
    t.true(fewer.activationBytes < 0.6 * all.activationBytes, `${fewer.activationBytes} of ${all.activationBytes}`)
    t.true(fewer.arenas['activations']! < 0.8 * all.arenas['activations']!, `${fewer.arenas['activations']!} of ${all.arenas['activations']!}`)
    t.deepEqual(fewer.launches?.convolutions.forward, all.launches?.convolutions.forward)
  })
}

test('what is no number of sums', async (t) => {
  const network = preResNet('preresnet-20', { classes: 5 })
  for (const activationCheckpointing of [0, 1.5, -2, true as unknown as number]) {
    await t.throwsAsync(compile(network, { batch: 2, optimizer: sgd(), activationCheckpointing }), {
      code: 'ERR_OPTION',
      message: /compile: activationCheckpointing: expected/,
    })
  }
})
