import { sampleCount, type RangeSource } from '../data/dataset.js'
import { sampleReader } from '../data/sample_bytes.js'
import { readingRate } from '../data/survey.js'
import { eachIndex } from '../limited.js'
import { integersOption, numberOption, stringOption } from '../options/spec.js'
import { runOptions } from '../options/table.js'
import type { CommandSpec } from './command.js'
import { inspectedOptions, openInspected, preparationTexts } from './inspected_data.js'
import { benchDataDocument, type DataRates } from './json/bench_data.js'
import { printJson } from './json/document.js'
import { print, table } from './output.js'
import { startTorchvision } from './torchvision.js'

const options = {
  ...inspectedOptions,
  workerCounts: integersOption({
    group: 'Data',
    help: 'numbers of threads that decode, one after another',
    unit: 'threads',
    ...runOptions.workers.limits!,
    fallback: [1, 2, 4],
  }),
  python: stringOption({
    group: 'Data',
    help: "Python that has torchvision, whose DataLoader is measured on the same files for comparison; 'none' leaves it out",
    metavar: 'path',
    fallback: 'python3',
  }),
  seconds: numberOption({ group: 'Command', help: 'how long each rate is measured, in each round', unit: 'seconds', minimum: 0.1, maximum: 3600, fallback: 2 }),
}

/** Each rate is the median of these, so that a moment of a busy machine does not decide. */
const rounds = 3

export const benchData: CommandSpec<typeof options> = {
  name: 'bench data',
  summary: 'images a second that are read, and prepared to evaluate and to train, by numbers of workers; files are read once before, so that they are warm',
  options,
  json: benchDataDocument,
  examples: [
    ['bench data --data photos --image 224 --worker-counts 1,2,4,8', 'files, decoded and cropped'],
    ['bench data --data digits --seconds 0.5 --json', 'for a script'],
  ],
  async run(values) {
    const { json, batch, workerCounts, seconds, python } = values
    const { dataset, input, prepare } = await openInspected(values)
    const { source } = dataset
    const { said: torchvision, rate, close } = await startTorchvision(python, dataset, { input, prepare, batch })
    const stages: readonly (readonly [DataRates['rates'][number]['stage'], (workers: number) => Promise<number>])[] = [
      ...(source.kind === 'ranges' ? [['read', (lanes: number) => fileRate(source, lanes, seconds)] as const] : []),
      ['evaluate', (threads) => readingRate(dataset, { input, prepare, workers: threads, batch }, 'evaluate', seconds)],
      ['train', (threads) => readingRate(dataset, { input, prepare, workers: threads, batch }, 'train', seconds)],
      ...(rate === undefined
        ? []
        : (['evaluate', 'train'] as const).map((mode) => [`torchvision ${mode}`, (processes: number) => rate(mode, processes, seconds)] as const)),
    ]
    if (source.kind === 'ranges') await fileRate(source, 4, 0)
    const cells = workerCounts.flatMap((threads) => stages.map(([stage, measure]) => ({ stage, threads, measure, measured: [] as number[] })))
    for (let round = 0; round < rounds; round++) for (const { threads, measure, measured } of cells) measured.push(await measure(threads))
    await close()
    const rates = cells.map(({ stage, threads, measured }) => ({
      stage,
      workers: threads,
      imagesPerSecond: measured.sort((a, b) => a - b)[Math.floor(rounds / 2)]!,
    }))
    const result: DataRates = { data: dataset.name, images: dataset.length, ...preparationTexts(prepare), torchvision, rates }
    if (json) printJson(benchDataDocument, result)
    else {
      print(`${result.data}: images/s, median of ${rounds} rounds\n`)
      print(
        table(
          ['stage', 'workers', 'images/s'],
          rates.map(({ stage, workers: threads, imagesPerSecond }) => [stage, threads, Math.round(imagesPerSecond)]),
        ),
      )
      print(`\nread: bytes of the files, through Node\nevaluate: ${result.evaluation}\ntrain: ${result.training}\ntorchvision: ${torchvision}`)
    }
    return 0
  },
}

/** Bytes of all samples once, and again until the time is over. */
async function fileRate(source: RangeSource, lanes: number, seconds: number): Promise<number> {
  const read = sampleReader(source)
  const count = sampleCount(source)
  const start = performance.now()
  let images = 0
  do {
    await eachIndex(count, read, lanes)
    images += count
  } while (performance.now() - start < 1000 * seconds)
  return (1000 * images) / (performance.now() - start)
}
