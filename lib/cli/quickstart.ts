/** The first run of a newcomer: a small pre-activation network learns handwritten digits. `npm run quickstart` calls it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataSplit, Dataset } from '../data/dataset.js'
import { digits, randomCrop, shuffledLabels } from '../data/index.js'
import { Classifier } from '../inference/index.js'
import { preResNet } from '../models/index.js'
import { fit, multiStep, sgd } from '../training/index.js'
import { flagOption, variant } from '../options/spec.js'
import { deviceOptions, lengthOptions, runOptions, trainingOptions } from '../options/table.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { quickstartDocument } from './json/train.js'
import { duration, note, percent, print } from './output.js'
import { encodePng, type Pixels } from './pictures/png.js'
import { type Prediction, predictionsSvg } from './pictures/predictions.js'
import { openProgress } from './progress.js'
import { writeReport } from './report.js'
import { readCurves } from './run_directory.js'
import { SignalWatch } from './signals.js'
import { follow, saveResult } from './train.js'

const options = {
  output: variant(runOptions.output, { help: 'where everything goes', fallback: join('runs', 'quickstart') }),
  epochs: variant(lengthOptions.epochs, { help: 'passes over the training images', fallback: 12 }),
  seed: variant(trainingOptions.seed, { fallback: 1 }),
  threads: deviceOptions.threads,
  shuffledLabels: flagOption({
    group: 'Command',
    help: 'train on labels exchanged at random, from which nothing can be learned: a check of the check',
    fallback: false,
  }),
}

export const quickstart: CommandSpec<typeof options> = {
  name: 'quickstart',
  summary: 'train a ResNet-14 on 7,996 handwritten digits and look at what it makes of 2,004 others',
  options,
  json: quickstartDocument,
  examples: [
    ['quickstart', 'some minutes on two cores; the report is runs/quickstart/report.html'],
    ['quickstart --shuffled-labels --output runs/shuffled', 'the same where nothing can be learned: the test error stays near 90 %'],
  ],
  async run({ json, output, epochs, seed, threads, shuffledLabels: shuffled }) {
    const data = await digits()
    const train = shuffled ? shuffledLabels(data.train, seed) : data.train
    const network = preResNet({ family: 'cifar', depth: 14, block: 'basic', classes: 10, input: { height: 28, width: 28, channels: 1 } })
    const batch = 64
    const steps = Math.max(1, Math.round(epochs * Math.floor(train.length / batch)))
    using watch = new SignalWatch('leaving; quickstart keeps no checkpoints, so nothing of the training is saved')
    const run = fit(network, {
      train,
      validate: data.test,
      prepare: { train: [randomCrop({ pad: 2 })] },
      batch,
      steps,
      seed,
      threads,
      precision: 'fp32',
      optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
      learningRate: multiStep({ base: 0.1, milestones: milestones(steps), warmup: { steps: Math.min(100, Math.floor(steps / 12)), rate: 0.01 } }),
      output,
      signal: watch.signal,
    })
    const whole = await follow(run, openProgress(process.stderr.isTTY), watch)
    if (whole === undefined) return watch.status ?? 0
    const { trained, ended } = whole
    const result = await saveResult({ output, data: { ...data, train }, network, trained, ended })
    const report = await writePictures(output, data, trained.validation!.predictions)
    if (json) printJson(quickstartDocument, { ...result, report })
    else {
      print(
        `${result.testErrors} of ${result.testImages} test digits wrong (${percent(result.top1Error!)} error, ${percent(result.top1Accuracy!)} accuracy) after ${duration(result.seconds)}`,
      )
      print(`look at ${report}`)
    }
    return 0
  },
}

/** After two thirds and five sixths of the run. */
function milestones(steps: number): number[] {
  return steps < 6 ? [] : [Math.floor((2 * steps) / 3), Math.floor((5 * steps) / 6)]
}

/** curves.svg, predictions.svg and the page that shows both. */
async function writePictures(output: string, data: DataSplit, guesses: Int32Array): Promise<string> {
  const { curvesSvg } = await import('./pictures/curves.js') // Only here: the drawing library takes a while to load.
  const chosen = worthALook(data.test, guesses)
  const predictions = predictionsSvg(await predict(join(output, 'model.safetensors'), data.test, chosen))
  await writeFile(join(output, 'curves.svg'), curvesSvg(await readCurves(output)))
  await writeFile(join(output, 'predictions.svg'), predictions)
  note(`curves.svg and predictions.svg are in ${output}`)
  return writeReport(output, { pictures: [{ heading: 'Some test digits', svg: predictions }] })
}

/** Two rows of mistakes, if there are so many, and right ones from all over the test set. */
function worthALook({ length, labels }: Dataset, guesses: Int32Array, count = 40): number[] {
  const wrong = Array.from({ length }, (_, index) => index).filter((index) => guesses[index] !== labels[index])
  const right = Array.from({ length }, (_, index) => index).filter((index) => guesses[index] === labels[index])
  const shownWrong = spread(wrong, Math.min(wrong.length, 16))
  return [...shownWrong, ...spread(right, Math.min(right.length, count - shownWrong.length))]
}

function spread(items: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!)
}

/** Through the saved model and image files, as a server would. */
async function predict(model: string, { labels, classes, source }: Dataset, indices: readonly number[]): Promise<Prediction[]> {
  if (source.kind !== 'memory') throw new TypeError('the digits are in memory')
  const { height, width } = source.shape
  const images = indices.map((index): Pixels => ({
    height,
    width,
    channels: 1,
    values: source.images.subarray(index * height * width, (index + 1) * height * width),
  }))
  await using classifier = await Classifier.load(model, { top: 1, batch: indices.length })
  const answers = await classifier.classify(images.map((image) => encodePng(image)))
  return answers.map(([best], index) => ({
    image: images[index]!,
    predicted: best!.label,
    probability: best!.probability,
    label: classes[labels[indices[index]!]!]!,
  }))
}
