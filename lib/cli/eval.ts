import { describeModel, type ModelDescription } from '../runtime/model_file.js'
import { checkClasses } from '../data/check.js'
import type { DataSplit, ImageShape } from '../data/dataset.js'
import { completePreparation } from '../data/prepare/complete.js'
import type { Preparation } from '../data/prepare/preparation.js'
import { centerCrop, resize, type PreparationStep } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import { choiceOption, integerOption, variant, type ValuesOf } from '../options/spec.js'
import { deviceOptions, runOptions } from '../options/table.js'
import { networkFromJson } from '../layers/json.js'
import { limits } from '../layers/value.js'
import { evaluateOptions } from '../runtime/call_options.js'
import { compile } from '../runtime/compile.js'
import { sharedOptions } from '../runtime/session_options.js'
import type { CommandSpec } from './command.js'
import { confusionOf, confusionText } from './confusion.js'
import { dataOptions, openData, stepsFor, validationOf } from './data_options.js'
import { printJson } from './json/document.js'
import { evalDocument } from './json/eval.js'
import { count, duration, percent, print } from './output.js'
import { resizeOptions } from './random_steps.js'
import { cudaOptions, passedOn } from './device_options.js'

const options = {
  ...dataOptions,
  ...deviceOptions,
  ...cudaOptions,
  split: choiceOption({ group: 'Data', help: 'which images', choices: ['train', 'validation', 'test'], fallback: 'test' }),
  batch: variant(runOptions.batch, { help: 'images a step' }),
  workers: runOptions.workers,
  size: integerOption({
    group: 'Data',
    help: 'height and width of the images that the network gets, where it is another than in training; resize steps grow with it',
    unit: 'pixels',
    minimum: 1,
    maximum: limits.image,
    usual: 'as in training',
  }),
  crops: variant(evaluateOptions.crops, {
    help: 'crops of each image whose probabilities are averaged: 10 are the corners and the middle, and the same mirrored',
  }),
  corrupt: variant(runOptions.corrupt, {
    help: "what comes of a file that is no image: 'error' ends the command and names it; 'skip': it does not count, and how many there were is told",
  }),
}

export const evaluate: CommandSpec<typeof options> = {
  name: 'eval',
  summary: 'top-1 and top-5 error and accuracy of a model on labeled images, and its confusion matrix',
  arguments: [['<model>', 'a model file, as runs/first/model.safetensors']],
  options,
  json: evalDocument,
  examples: [
    ['eval runs/first/model.safetensors --data digits', 'on the test images'],
    ['eval model.safetensors --data cifar10:data/cifar10 --split train --json', 'on the training images, for a script'],
    ['eval model.safetensors --data photos --size 320 --crops 10', 'on larger images, by ten crops of each'],
  ],
  async run(values, [path]) {
    const { json, split, batch, workers, crops, corrupt } = values
    const file = path as string
    const model = atSize(await describeModel(file), values.size)
    const splits = await openData(values)
    const data = split === 'validation' ? validationOf(splits) : splits[split]
    checkClasses(data.name, data.classes, 'the model', model.classes)
    const prepare = await asTrained(values, splits, model)
    // Without `data`: images in memory are evaluated as they are, whatever the model says of files.
    await using session = await compile(model.network, { ...passedOn(sharedOptions, values), prepare, batch })
    await session.load(file)
    const { predictions: _, confusion: matrix, ...figures } = await session.evaluate(data, { workers, crops, corrupt })
    const confusion = confusionOf(model.classes ?? data.classes, matrix)
    if (json) printJson(evalDocument, { model: file, data: data.name, device: session.device, precision: session.precision, ...figures, confusion })
    else {
      const { samples, corruptImages, top1Errors, top1Error, top5Error, top1Accuracy, top5Accuracy, loss, seconds, dataSeconds } = figures
      print(`${data.name}: ${count(top1Errors)} of ${count(samples)} wrong`)
      if (corruptImages > 0) print(`${count(corruptImages)} corrupt images skipped`)
      const waiting = `waiting for data ${percent(seconds === 0 ? 0 : dataSeconds / seconds, 0)}`
      print(`top-1 error ${percent(top1Error)}, top-5 error ${percent(top5Error)}, loss ${loss.toFixed(4)}, ${duration(seconds)}, ${waiting}`)
      print(`top-1 accuracy ${percent(top1Accuracy)}, top-5 accuracy ${percent(top5Accuracy)}\n`)
      print(confusionText(confusion))
    }
    return 0
  },
}

/** The model for images of another size: what its steps resize to grows as much. */
function atSize(model: ModelDescription, size: number | undefined): ModelDescription {
  if (size === undefined) return model
  const { network, prepare } = model
  const { height, width, channels } = network.input
  const factor = size / Math.max(height, width)
  const grown = (side: number): number => Math.max(size, Math.round(side * factor))
  const resized = (step: PreparationStep, index: number, steps: readonly PreparationStep[]): PreparationStep => {
    if (step.kind === 'resize' && step.size !== undefined) return resize({ ...resizeOptions(step), size: grown(step.size) })
    // Before a resize it is of stored pixels, which are as many as before.
    const ofStored = steps.slice(index).some(({ kind }) => kind === 'resize')
    if (step.kind !== 'centerCrop' || step.height === undefined || ofStored) return step
    return centerCrop({ height: grown(step.height), width: grown(step.width!) })
  }
  return {
    ...model,
    network: networkFromJson({ ...network, input: { height: size, width: size, channels } }),
    ...(prepare && { prepare: { ...prepare, ...(prepare.evaluate && { evaluate: prepare.evaluate.map(resized) }) } }),
  }
}

/**
 * The images as the network was trained to see them. What options say of files goes before what the model says. A network that was trained on tensors sees
 * them normalized by the training images.
 */
async function asTrained(
  values: Pick<ValuesOf<typeof options>, 'image' | 'resize' | 'gray' | 'corrupt'>,
  { train, test }: DataSplit,
  { network: { input }, prepare }: ModelDescription,
): Promise<Preparation> {
  checkInput(values, input)
  const trained = prepare?.evaluate ?? []
  const evaluate = values.resize !== undefined || trained.length === 0 ? stepsFor({ image: input.height, resize: values.resize }) : trained
  return completePreparation({ ...prepare, ...(evaluate && { evaluate }) }, input, {
    train,
    others: [test],
    workers: 2,
    signal: undefined,
    corrupt: values.corrupt,
  })
}

/** ERR_SHAPE where options say that the network takes other images. */
function checkInput({ image, gray }: Pick<ValuesOf<typeof options>, 'image' | 'gray'>, input: ImageShape): void {
  const { height, width, channels } = input
  if ((image === undefined || (image === height && image === width)) && (!gray || channels === 1)) return
  throw new PreresnetError('ERR_SHAPE', `--image, --gray: expected what the network takes, ${height} x ${width} x ${channels} (height, width, channels)`)
}
