import { checkGoldens, type GoldenReport } from '../goldens/check.js'
import { chooseDevice } from '../runtime/device.js'
import { choiceOption, variant } from '../options/spec.js'
import { deviceOptions, programOptions } from '../options/table.js'
import type { CommandSpec } from './command.js'
import { shownDevice } from './emulated.js'
import { printJson } from './json/document.js'
import type { ShownDevice } from './json/common.js'
import { goldensDocument } from './json/goldens.js'
import { count, print, table } from './output.js'
import { loweringOf, tierOption } from './tier_option.js'

const options = {
  ...deviceOptions,
  device: choiceOption({ group: 'Device', help: 'who computes', choices: ['reference', 'cpu', 'cuda'], fallback: 'reference' }),
  precision: variant(deviceOptions.precision, { help: 'arithmetic; auto is fp64 for the reference, fp32 for the CPU, fp16 on CUDA' }),
  ...tierOption,
  convolution: variant(programOptions.convolution, { help: 'direct, or auto: Winograd too, as in training, with its wider bounds', fallback: 'direct' }),
}

export const goldens: CommandSpec<typeof options> = {
  name: 'goldens',
  emulates: true,
  summary: "compare an executor with PyTorch's float64 results; status 1 if a bound is not kept or a case is missing",
  arguments: [['<directory>', 'where the golden cases lie']],
  options,
  json: goldensDocument,
  examples: [
    ['goldens test/goldens --device reference', 'the executor in double'],
    ['goldens test/goldens --device cpu --precision bf16 --json', 'the CPU with bf16 in memory, for a script'],
  ],
  async run({ device, precision, tier, convolution, threads, json }, [directory]) {
    const chosen = chooseDevice(device, precision)
    const judged = await checkGoldens({ directory: directory as string, ...chosen, ...loweringOf(tier, chosen), convolution, threads })
    const report = { ...judged, device: shownDevice(judged.device) }
    if (json) printJson(goldensDocument, report)
    else print(describe(report))
    return report.passed ? 0 : 1
  },
}

function describe(report: Omit<GoldenReport, 'device'> & { readonly device: ShownDevice }): string {
  const { cases, medianRatio } = report
  const rows = cases.map((result) => [result.case, result.tensor ?? '', scientific(result.error), scientific(result.bound), result.passed ? 'ok' : 'FAILED'])
  const lines = [table(['case', 'worst tensor', 'error', 'bound', ''], rows)]
  for (const result of cases) if (result.reason !== undefined) lines.push(`${result.case}: ${result.reason}`)
  if (medianRatio !== undefined) {
    lines.push(`median of the ratio to PyTorch's error: ${medianRatio.value.toFixed(3)}, bound ${medianRatio.bound}: ${medianRatio.passed ? 'ok' : 'FAILED'}`)
  }
  const failed = cases.filter((result) => !result.passed).length
  lines.push(
    `${report.device} ${report.precision}, ${report.convolution} convolution: ${count(report.compared)} tensors of ${cases.length} cases compared, ${failed} cases failed`,
  )
  return lines.join('\n')
}

const scientific = (value: number | null) => (value === null ? '-' : value.toExponential(2))
