/** The command `goldens` on one executor: every case passes. */
import type { ExecutionContext } from 'ava'
import type { GoldenReport } from '../../lib/goldens/check.js'
import { goldenDirectory, preresnet } from '../cli/run.js'

export async function everyGoldenPasses(t: ExecutionContext, words: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await preresnet(['goldens', goldenDirectory, ...words, '--json'])
  t.is(stderr, '')
  const report = JSON.parse(stdout) as GoldenReport
  t.deepEqual(
    report.cases.filter((result) => !result.passed),
    [],
  )
  t.is(report.cases.length, 25)
  t.is(report.compared, 1563)
  for (const { error, bound } of report.cases) t.true(error! <= bound!)
  if (words.some((word) => word.startsWith('bf16'))) t.true(report.medianRatio!.value <= 1.5 && report.medianRatio!.value > 0)
  t.is(status, 0)
}
