/** Golden cases on the emulated device in tiers that no rule takes by itself there: a tuner may. */
import test from 'ava'
import { PLAIN, RUNTIME_COMPILED } from '../../lib/compiler/lower/engines.js'
import { checkGoldens } from '../../lib/goldens/check.js'
import { goldenDirectory } from '../cli/run.js'
import { emulated } from '../../lib/native/emulation.js'

for (const [precision, tier] of [
  ['bf16', RUNTIME_COMPILED],
  ['fp16', RUNTIME_COMPILED],
  ['fp16', PLAIN],
] as const) {
  test.serial(`goldens in ${precision} on tier ${tier}`, async (t) => {
    const report = await emulated({}, () => checkGoldens({ directory: goldenDirectory, device: 'cuda', precision, lowering: { precision, tier } }))
    t.deepEqual(
      report.cases.filter((result) => !result.passed),
      [],
    )
    t.is(report.compared, 1563)
    t.true(report.medianRatio!.passed)
  })
}
