import { oneOf } from '../options/values.js'
import { integerOption, numberOption } from '../options/spec.js'
import { deviceOptions, programOptions, runOptions } from '../options/table.js'
import { sharedOptions } from '../runtime/session_options.js'
import type { CommandSpec } from './command.js'
import { benchDocument, type Measurement } from './json/bench.js'
import { printJson } from './json/document.js'
import { measure } from './measure.js'
import { chooseNetwork, networkOptions, sizeOf, sizeOptions } from './model_options.js'
import { count, pairs, print, size } from './output.js'
import { cudaTrainingOptions, passedOn } from './device_options.js'

const options = {
  ...networkOptions,
  ...sizeOptions,
  ...deviceOptions,
  ...cudaTrainingOptions,
  activationCheckpointing: programOptions.activationCheckpointing,
  batch: runOptions.batch,
  sessions: integerOption({
    group: 'Command',
    help: 'inference sessions that compute at a time, each a batch of its own on its share of the threads',
    unit: 'sessions',
    minimum: 1,
    maximum: 1024,
    fallback: 1,
  }),
  seconds: numberOption({ group: 'Command', help: 'how long to measure, after a warm-up', unit: 'seconds', minimum: 0.1, maximum: 3600, fallback: 10 }),
}

export const bench: CommandSpec<typeof options> = {
  name: 'bench',
  emulates: true,
  summary: 'images a second and memory of training or inference, on random data that lies ready in memory: no loading is in the figure',
  arguments: [
    ['<work>', 'train (forward, backward, update) or infer'],
    ['[network]', 'a name as preresnet-164'],
  ],
  options,
  json: benchDocument,
  examples: [
    ['bench train preresnet-164 --batch 128', 'ten seconds of training steps'],
    ['bench infer preresnet-200 --batch 1 --threads 2 --json', 'for a script'],
    ['bench infer preresnet-200 --batch 1 --threads 2 --sessions 2', 'two images at a time, one thread each: more images a second, each later'],
  ],
  async run(values, [work, name]) {
    const { json, batch, seconds, sessions } = values
    const kind = oneOf('bench: work', work, ['train', 'infer'])
    const network = chooseNetwork(name as string | undefined, values, sizeOf(values))
    const measurement = await measure(network, { ...passedOn(sharedOptions, values), work: kind, batch, seconds, sessions })
    if (json) printJson(benchDocument, measurement)
    else print(describe(measurement))
    return 0
  },
}

function describe({
  network,
  work,
  batch,
  device,
  precision,
  precisionReason,
  threads,
  sessions,
  median,
  minimum,
  maximum,
  steps,
  peakBytes,
  deviceBytes,
}: Measurement): string {
  const rate = (value: number): string => (value < 100 ? value.toFixed(2) : count(Math.round(value)))
  const rows = pairs([
    ['images/s, median', rate(median)],
    ['minimum and maximum', `${rate(minimum)} to ${rate(maximum)}`],
    ['steps measured', count(steps)],
    ['reason for the precision', precisionReason],
    ['peak memory above idle', size(peakBytes)],
    ...(deviceBytes === undefined ? [] : [['memory of the device', size(deviceBytes)] as const]),
  ])
  return `${network}, ${work}, batch ${batch}, ${device} ${precision}, ${threads} threads${sessions === 1 ? '' : `, ${sessions} sessions at a time`}; data loading not included\n\n${rows}`
}
