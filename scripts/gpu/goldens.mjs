// PyTorch's golden numbers, in every precision and with every kind of kernel that serves it.
import { json, preresnet } from './processes.mjs'

const RUNS = [
  ['fp32', 'plain'],
  ['tf32', 'plain'],
  ['bf16', 'plain'],
  ['fp16', 'plain'],
  ['fp16', 'precompiled'],
  ['bf16', 'runtime'],
  ['fp16', 'runtime'],
]

export async function goldens(context) {
  const runs = []
  for (const [precision, tier] of context.emulated ? [['fp16', 'precompiled']] : RUNS) {
    const words = ['goldens', context.goldens, '--device', context.device, '--precision', precision, '--tier', tier, '--json']
    try {
      const { compared, cases, medianRatio, passed } = json(preresnet(context, words, { limit: context.secondsLeft() }), words.join(' '))
      const worst = cases.reduce((a, b) => (margin(b) > margin(a) ? b : a))
      runs.push({ precision, tier, passed, compared, worst, medianRatio, failed: cases.filter((result) => !result.passed) })
    } catch (error) {
      runs.push({ precision, tier, passed: false, error: error.message })
    }
    const { passed, error } = runs.at(-1)
    context.say(`${precision} ${tier}: ${passed ? 'ok' : `FAILED ${error ?? ''}`}`)
    context.keep({ runs })
  }
  return { passed: runs.every(({ passed }) => passed), runs }
}

const margin = ({ error, bound }) => (error === null || bound === null ? Infinity : error / bound)
