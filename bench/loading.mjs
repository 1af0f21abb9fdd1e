// Time and memory from a file to the first answer, beside onnxruntime and OpenVINO: fresh processes in turn, files in the system's cache.
//   node bench/loading.mjs [--network preresnet-200] [--rounds 5] [--threads 2]
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { main, Stop } from '../scripts/support/run.mjs'
import { run } from './driver/sides.mjs'
import { summary } from './driver/statistics.mjs'
import { makeModel, modelPath, saveModel } from './runtimes/model.mjs'
import { runtimesPython } from './runtimes/python.mjs'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

await main('loading', async () => {
  const { values } = parseArgs({
    options: { network: { type: 'string', default: 'preresnet-200' }, rounds: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' } },
  })
  const { network, threads } = values
  const python = runtimesPython()
  if (python === undefined) throw new Stop('expected onnxruntime and OpenVINO, which pip could not install, for the reason above')
  await makeModel(network)
  const file = await saveModel(network)
  const other = (runtime) => ({ command: python, words: ['bench/loading/other.py', '--runtime', runtime, '--model', modelPath(network), '--threads', threads] })
  const sides = {
    preresnet: { command: process.execPath, words: ['bench/loading/ours.mjs', file, threads] },
    onnxruntime: other('onnxruntime'),
    'OpenVINO, bf16, latency': other('openvino'),
  }
  const measured = Object.fromEntries(Object.keys(sides).map((name) => [name, []]))
  // The first round is not counted: it fills caches and measures what preresnet remembers.
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [name, side] of Object.entries(sides)) {
      const result = await run(side, { limit: 120 })
      if (round > 0) measured[name].push(result)
    }
  }
  console.log(`${network}, ${threads} threads, ${values.rounds} rounds: median (smallest to largest)\n`)
  console.log('| | ready, s | first answer, s | peak memory above idle, MiB |\n| --- | --- | --- | --- |')
  for (const [name, results] of Object.entries(measured)) {
    const cell = (key, unit, digits) => {
      const { median, minimum, maximum } = summary(results.map((result) => result[key] / unit))
      return `${median.toFixed(digits)} (${minimum.toFixed(digits)} to ${maximum.toFixed(digits)})`
    }
    console.log(`| ${name} | ${cell('readySeconds', 1, 2)} | ${cell('answerSeconds', 1, 2)} | ${cell('peakBytes', 2 ** 20, 0)} |`)
  }
})
