// Images a second beside PyTorch, in turn, and how much of what the card can do that is. Rows in the order of worth.
import { json, preresnet, twin } from './processes.mjs'

/** `against`: PyTorch's ways, and the ratio that is wanted of each. */
const imagenet = { eager: 1.5, compile: 1.25 }
const cifar = { eager: 4, graph: undefined, 'compile-graph': 1.5 }
export const ROWS = {
  'resnet-200-128': { network: 'preresnet-200', batch: 128, against: imagenet, goals: { 'NVIDIA H200': 2650, default: 2000 } },
  'cifar-164-128': { network: 'preresnet-164', batch: 128, against: cifar },
  'cifar-1001-128': { network: 'preresnet-1001', batch: 128, against: cifar },
  'resnet-200-256': { network: 'preresnet-200', batch: 256, against: imagenet },
  'resnet-50-256': { network: 'preresnet-50', batch: 256, against: imagenet },
  'cifar-110-128': { network: 'preresnet-110', batch: 128, against: cifar },
}

export async function speed(context) {
  const { emulated, keep, say, secondsLeft, pairs } = context
  if (emulated) return { passed: true, leftOut: 'the emulated device says nothing about speed' }
  const ceilings = twin(context, ['--ceilings'])
  say(`copy ${ceilings.copyTBs.toFixed(2)} TB/s, matrix product ${ceilings.matrixTFLOPs.toFixed(0)} TFLOP/s`)
  const rows = []
  for (const name of context.rows ?? Object.keys(ROWS)) {
    if (secondsLeft() < 60) break
    const row = { name, ...ROWS[name], ours: [], theirs: {}, ratios: {} }
    rows.push(row)
    for (let pair = 0; pair < pairs; pair++) {
      row.ours.push(own(context, row))
      say(`${name}: preresnet ${row.ours.at(-1).median.toFixed(0)} images/s`)
      keep({ ceilings, rows })
      for (const mode of Object.keys(row.against)) {
        if (secondsLeft() < 45) break
        const theirs = (row.theirs[mode] ??= [])
        theirs.push(pytorch(context, row, mode))
        say(`${name}: PyTorch ${mode} ${theirs.at(-1).failed ?? `${theirs.at(-1).median.toFixed(0)} images/s`}`)
        keep({ ceilings, rows })
      }
    }
    row.rooflineShare = shareOfRoofline(context, row, ceilings)
    for (const [mode, theirs] of Object.entries(row.theirs)) {
      const rates = row.ours.map(({ median }, pair) => median / (theirs[pair]?.median ?? NaN)).filter(Number.isFinite)
      if (rates.length === 0) continue
      const ratio = rates.sort((a, b) => a - b)[rates.length >> 1]
      row.ratios[mode] = { ratio, wanted: row.against[mode], activationMemory: row.ours[0].activationBytes / theirs[0].activationBytes }
    }
    keep({ ceilings, rows })
  }
  const kept = ({ ratio, wanted }) => wanted === undefined || ratio >= wanted
  const complete = rows.every((row) => Object.keys(row.against).every((mode) => row.ratios[mode] !== undefined))
  return { passed: complete && rows.every((row) => Object.values(row.ratios).every(kept)), ceilings, rows }
}

function own(context, { network, batch }) {
  const words = ['bench', 'train', network, '--batch', batch, '--device', context.device, '--precision', 'fp16', '--seconds', context.seconds, '--json']
  const measured = json(preresnet(context, words, { limit: context.secondsLeft() }), words.join(' '))
  const { activationBytes } = plan(context, network, batch)
  return { ...measured, activationBytes }
}

function plan(context, network, batch) {
  const words = ['plan', network, '--device', 'cuda', '--precision', 'fp16', '--batch', batch, '--json']
  return json(preresnet(context, words, { limit: 120 }), words.join(' '))
}

function pytorch(context, { network, batch }, mode) {
  try {
    return twin(context, ['--network', network, '--batch', batch, '--mode', mode, '--seconds', context.seconds])
  } catch (error) {
    return { failed: error.message }
  }
}

/** Images a second, as a share of what the bytes that the plan moves would allow at the copy rate measured in this run. */
function shareOfRoofline(context, { network, batch, ours }, { copyTBs }) {
  const { bytesMoved } = plan(context, network, batch)
  return ours.at(-1).median / ((copyTBs * 1e12) / (bytesMoved / batch))
}
