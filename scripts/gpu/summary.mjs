// The short table at the end.

export function summary({ gpu, commit, checks }) {
  const lines = Object.entries(checks).map(([name, check]) => [
    name,
    check.leftOut === undefined ? (check.passed ? 'passed' : 'FAILED') : 'left out',
    detail(name, check),
  ])
  const width = (column) => Math.max(...lines.map((line) => line[column].length))
  return [`${gpu.name}, commit ${commit}`, ...lines.map(([name, verdict, text]) => `${name.padEnd(width(0))}  ${verdict.padEnd(width(1))}  ${text}`)].join('\n')
}

function detail(name, check) {
  if (check.leftOut !== undefined) return check.leftOut
  if (check.error !== undefined) return check.error.split('\n')[0]
  if (check.unfinished) return 'ended before it was done'
  switch (name) {
    case 'operations':
      return `${check.tests} tests, ${check.failed.length} failed`
    case 'goldens':
      return check.runs.map(({ precision, tier, passed }) => `${precision}/${tier} ${passed ? 'ok' : 'FAILED'}`).join(', ')
    case 'sameness':
      return `${check.comparisons.filter(({ passed }) => passed).length} of ${check.comparisons.length} bit for bit`
    case 'sanitizer':
      return check.runs.map(({ tool, errors, decides }) => `${tool} ${errors}${decides ? '' : ' (decides nothing)'}`).join(', ')
    case 'tuning':
      return check.runs
        .map(
          ({ network, batch, sites, timed, seconds, error }) =>
            `${network} at ${batch}: ${error ?? `${timed} of ${sites} convolutions in ${seconds.toFixed(0)} s`}`,
        )
        .join(', ')
    case 'speed':
      return check.rows.map(speedLine).join('; ')
    case 'layers':
      return check.runs
        .map(({ network, tier, milliseconds, error }) => `${network} ${tier} ${error === undefined ? `${milliseconds.toFixed(1)} ms` : 'not timed'}`)
        .join(', ')
    case 'memory':
      return `${(100 * check.waitingShare).toFixed(2)} % waiting`
    case 'training':
      return `mean ${check.mean.toFixed(2)} % beside PyTorch's ${check.pytorch} %`
    default:
      return ''
  }
}

function speedLine({ name, ours, ratios, rooflineShare }) {
  const compared = Object.entries(ratios).map(([mode, { ratio }]) => `${ratio.toFixed(2)}x ${mode}`)
  return `${name} ${ours.at(-1).median.toFixed(0)}/s${rooflineShare === undefined ? '' : ` (${(100 * rooflineShare).toFixed(0)} % of the roofline)`} ${compared.join(' ')}`.trim()
}
