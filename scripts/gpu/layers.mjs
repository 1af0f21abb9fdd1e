// What every operation takes where it stands in its program, by kind of kernel: cuDNN fusing nothing, its precompiled and its
// runtime-compiled fusions, and what the tuner takes. Each operand lies elsewhere, so no cache holds the next one's.
import { json, preresnet, twin } from './processes.mjs'

const ROWS = [
  ['preresnet-200', '--batch', 128],
  ['preresnet-164', '--batch', 128],
]
const SMALL = [['--family', 'cifar', '--depth', 8, '--widths', '16,16,32', '--image', 8, '--batch', 3]]
const TIERS = ['tuned', 'plain', 'precompiled', 'runtime']

export async function layers(context) {
  const { device, emulated, keep, say, secondsLeft } = context
  const runs = []
  for (const network of emulated ? SMALL : ROWS) {
    for (const tier of TIERS) {
      if (secondsLeft() < 20) break
      const words = ['plan', ...network, '--device', device, '--precision', 'fp16', '--time', '--json', ...(tier === 'tuned' ? [] : ['--tier', tier])]
      try {
        const report = json(preresnet(context, words, { limit: secondsLeft() }), words.join(' '))
        runs.push({ network: report.network, batch: report.batch, tier, ...totals(report), operations: byOperation(report), layers: distinct(report) })
      } catch (error) {
        runs.push({ network: String(network[0]), tier, error: error.message })
      }
      const { error, milliseconds } = runs.at(-1)
      say(`${runs.at(-1).network} ${tier}: ${error ?? `${milliseconds.toFixed(2)} ms a step, one operation after the other`}`)
      keep({ runs })
    }
  }
  const stem = emulated ? undefined : twin(context, ['--stem'])
  if (stem !== undefined)
    say(`stem of 224 x 224 images: ${stem.channels.map(({ channels, milliseconds }) => `${channels} channels ${milliseconds.toFixed(2)} ms`).join(', ')}`)
  // A pattern without an engine is an answer; that nothing can be timed is none.
  const passed = runs.length === (emulated ? 1 : ROWS.length) * TIERS.length && runs.every(({ tier, error }) => tier === 'runtime' || error === undefined)
  return { passed, runs, ...(stem && { stem }) }
}

const totals = ({ milliseconds, bytesMoved, peakFlops, peakBytes }) => ({ milliseconds, bytesMoved, peakFlops, peakBytes })

/** Time, bytes and the share of the peak of copies, summed over all operations of a name; the longest first. */
function byOperation({ operations, peakBytes, milliseconds }) {
  return grouped(operations, ({ op }) => op).map(([op, all]) => {
    const [time, bytes] = [sum(all, 'milliseconds'), sum(all, 'bytesRead') + sum(all, 'bytesWritten')]
    return { op, count: all.length, milliseconds: time, share: time / milliseconds, bytes, shareOfCopies: bytes / (time / 1e3) / peakBytes }
  })
}

/** Operations that do the same on operands of the same size, as one row: times are those of one. */
function distinct({ operations }) {
  const key = ({ op, fused, shape, bytesRead, bytesWritten, flops }) => [op, fused, shape, bytesRead, bytesWritten, flops].join(' ')
  return grouped(operations, key).map(([, all]) => {
    const { op, name, fused, shape, bytesRead, bytesWritten, flops } = all[0]
    const each = (field) => sum(all, field) / all.length
    return {
      op,
      first: name,
      fused,
      count: all.length,
      shape,
      bytesRead,
      bytesWritten,
      flops,
      milliseconds: each('milliseconds'),
      shareOfPeak: each('shareOfPeak'),
    }
  })
}

function grouped(operations, key) {
  const groups = new Map()
  for (const operation of operations) groups.set(key(operation), [...(groups.get(key(operation)) ?? []), operation])
  return [...groups].sort(([, a], [, b]) => sum(b, 'milliseconds') - sum(a, 'milliseconds'))
}

const sum = (all, field) => all.reduce((total, each) => total + each[field], 0)
