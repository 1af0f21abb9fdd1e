import { basename, join } from 'node:path'
import type { DeviceName, Precision } from '../compiler/program.js'
import type { DataSplit } from '../data/dataset.js'
import { makeDirectory } from '../directory.js'
import { PreresnetError } from '../errors.js'
import { replaceFile } from '../formats/files.js'
import type { Network } from '../layers/index.js'
import { choiceOption, stringOption, variant, type ValuesOf } from '../options/spec.js'
import { checkpointOptions, initializeOptions, lengthOptions, deviceOptions, programOptions, runOptions, trainingOptions } from '../options/table.js'
import { defined } from '../options/values.js'
import { ranksOptions } from '../ranks/options.js'
import type { Ranks } from '../ranks/ranks.js'
import { fitTable, ownFitOptions } from '../training/fit_options.js'
import { fit, type Run, type TrainedModel } from '../training/index.js'
import type { CommandSpec } from './command.js'
import { confusionOf } from './confusion.js'
import { dataOptions, inputFor, openData, preparationFor, validationOf } from './data_options.js'
import { startedFrom } from './fine_tuning.js'
import { flagsWithin, fromFlags } from './flags.js'
import { printJson, withVersion } from './json/document.js'
import { trainDocument, type RunResult } from './json/train.js'
import { learningRateOptions, scheduleOf } from './learning_rate.js'
import { saveMistakes } from './mistakes.js'
import { chooseNetwork, networkOptions } from './model_options.js'
import { optimizerOf, optimizerOptions } from './optimizer.js'
import { note, print } from './output.js'
import { passedOn } from './device_options.js'
import { flagsOfPreset, presetNames, presets, recipeOf as recipeOfPreset } from './presets.js'
import { noProgress, openProgress, type Progress } from './progress.js'
import { randomStepOptions } from './random_steps.js'
import { amongRanks, logRankOptions, logs, threadsOf } from './ranks.js'
import { resultFile } from './run_directory.js'
import { isAborted, SignalWatch } from './signals.js'

const options = {
  preset: choiceOption({
    group: 'Training',
    help: 'a published recipe: it sets the flags that are not given; the network decides between its recipes for CIFAR and for ImageNet',
    choices: presetNames,
  }),
  model: stringOption({ group: 'Network', help: 'a named network as preresnet-110; see also --family', metavar: 'name' }),
  ...networkOptions,
  ...flagsWithin(fitTable),
  ...dataOptions,
  ...randomStepOptions,
  from: variant(initializeOptions.from, {
    help: "model file to train further: network, weights and preparation are the file's, and the head is new where the number of classes differs",
    required: false,
  }),
  except: variant(initializeOptions.except, { fallback: undefined }),
  steps: variant(lengthOptions.steps, { help: 'steps of training; this or --epochs' }),
  epochs: variant(lengthOptions.epochs, { help: 'passes over the training images, which may have a fraction; this or --steps' }),
  ...runOptions,
  cache: ownFitOptions.cache,
  ...trainingOptions,
  ...programOptions,
  ...learningRateOptions,
  ...optimizerOptions,
  ...deviceOptions,
  ...ranksOptions,
  ...logRankOptions,
  output: variant(runOptions.output, { help: 'where checkpoints, metrics and the model go', usual: 'runs/NETWORK' }),
}

export const train: CommandSpec<typeof options> = {
  name: 'train',
  together: true,
  summary: 'train a network; SIGINT, SIGTERM, SIGHUP or SIGUSR1 saves a checkpoint and leaves, --resume goes on',
  options,
  json: trainDocument,
  underneath: flagsOfPreset,
  examples: [
    ['train --model preresnet-110 --data cifar10:data/cifar10 --preset paper', "the paper's recipe by its name; flags beside it win"],
    ['train --model preresnet-20 --data digits --epochs 5', 'digits that come with the package'],
    ['train --model preresnet-110 --data cifar10:data/cifar10 --steps 64000 --milestones 32000,48000 --warmup-steps 400', "the paper's recipe"],
    ['train --model preresnet-20 --data cifar10:data/cifar10 --epochs 30 --schedule cosine --warmup-epochs 2', 'half a cosine over the run, after a climb'],
    ['train --model preresnet-110 --data cifar10:data/cifar10 --steps 5 --profile trace.json', 'where the time of a step goes'],
    ['train --config runs/first.json --seed 2', 'options from a file, the seed from here'],
    ['train --model preresnet-20 --data cifar10:data/cifar10 --epochs 30 --batch 512', 'after `mpirun -n 4 npx preresnet`: four processes share each batch'],
    ['train --from model.safetensors --data photos --epochs 10 --learning-rate 0.01', 'fine-tuning; with a new head for other classes'],
  ],
  run: (values) => amongRanks(values, (ranks) => trainAmong(ranks, values)),
}

async function trainAmong(ranks: Ranks, values: ValuesOf<typeof options> & { readonly json: boolean }): Promise<number> {
  const speaks = ranks.rank === 0
  if ((values.steps === undefined) === (values.epochs === undefined)) {
    throw new PreresnetError('ERR_OPTION', `expected either --steps or --epochs, got ${values.steps === undefined ? 'neither' : 'both'}`)
  }
  if (values.except !== undefined && values.from === undefined) throw new PreresnetError('ERR_OPTION', '--except: expected --from with it, got none')
  if (speaks) tellPreset(values)
  const data = await openData(values)
  const unsaid = data.validation === undefined && values.validate === undefined
  if (speaks && !values.json && unsaid && data.test.source.kind === 'ranges' && basename(data.test.name) === 'test')
    note(`no images to validate with but ${data.test.name}: the best checkpoint is chosen by the test set`)
  const { network, model, initialize, replaced } =
    values.from === undefined ? { network: await networkFor(values, data) } : await startedFrom(values.from, values, data)
  const output = values.output ?? join('runs', network.name)
  const progress = progressOf(ranks, values)
  using watch = new SignalWatch('saving and leaving')
  const { steps, epochs, ...settings } = passedOn(fitTable, values)
  const { height, width } = { ...network.input, ...settings.evaluationInput }
  const prepare = await preparationFor(values, data, { ...network.input, height, width }, model)
  const threads = values.threads === 0 && ranks.size > 1 ? { threads: await threadsOf(ranks) } : {}
  const run = fit(network, {
    ...settings,
    ...threads,
    ranks,
    ...defined({ initialize }),
    ...(steps === undefined ? { epochs: epochs! } : { steps }),
    train: data.train,
    validate: validationOf(data),
    prepare,
    optimizer: optimizerOf(values),
    learningRate: scheduleOf(values),
    checkpoint: { ...fromFlags(checkpointOptions, values), directory: output },
    output,
    signal: watch.signal,
  })
  const whole = await follow(run, progress, watch)
  if (whole === undefined) return watch.status ?? 0
  if (!speaks) return 0
  const { trained, ended } = whole
  const result = await saveResult({ output, data, network, trained, ended, from: values.from, replaced })
  if (values.json) printJson(trainDocument, result)
  else print(join(output, 'model.safetensors'))
  return 0
}

function progressOf(ranks: Ranks, values: ValuesOf<typeof logRankOptions> & { readonly json: boolean }): Progress {
  const shown = logs(ranks, values) && !values.json
  // One bar cannot stand between the lines of others.
  const several = ranks.rank > 0 || values.logRank.length > 1
  return shown ? openProgress(process.stderr.isTTY, several ? `rank ${ranks.rank}: ` : '') : noProgress
}

/** Prints what the preset is, and where the command does nearly the same. */
function tellPreset({ preset, ...values }: ValuesOf<typeof options> & { readonly json: boolean }): void {
  if (preset === undefined) return
  const recipe = recipeOfPreset(preset, values)
  if (values.json) return
  note(`preset ${preset}: ${presets[preset].what} (${presets[preset].source})`)
  for (const difference of recipe.differences) note(`not quite as published: ${difference}`)
}

async function networkFor(values: ValuesOf<typeof options>, data: DataSplit): Promise<Network> {
  const input = await inputFor(values, data)
  return chooseNetwork(values.model, values, { classes: data.train.classes.length, ...input })
}

/** What the events told of the run as a whole. */
interface Ended {
  readonly device: DeviceName
  readonly precision: Precision
  readonly seconds: number
  readonly dataShare: number
  readonly corruptImages: number
}

/** Undefined where a signal ended the run before its last step. */
export async function follow(run: Run, progress: Progress, watch: SignalWatch): Promise<{ trained: TrainedModel; ended: Ended } | undefined> {
  let started: Pick<Ended, 'device' | 'precision'> | undefined
  let whole = { seconds: 0, dataShare: 0, corruptImages: 0 }
  try {
    for await (const event of run.events) {
      if (event.kind === 'start') {
        started = event
        watch.begun(() => void run.stop().catch(() => undefined))
      }
      if (event.kind === 'finished') {
        const { seconds, dataShare, corruptImages } = event
        whole = { seconds, dataShare, corruptImages }
      }
      progress.show(event)
    }
    const trained = await run.finished
    return trained.outcome === 'stopped' ? undefined : { trained, ended: { device: started!.device, precision: started!.precision, ...whole } }
  } catch (error) {
    if (watch.signal.aborted && isAborted(error)) return undefined
    throw error
  } finally {
    progress.stop()
  }
}

interface Finished {
  readonly output: string
  readonly data: DataSplit
  readonly network: Network
  readonly trained: TrainedModel
  readonly ended: Ended
  /** Of a run that trains a model further. */
  readonly from?: string | undefined
  readonly replaced?: number | undefined
}

/**
 * model.safetensors, result.json and mistakes.json. The run's lock is gone by now, which is fine: each file is replaced as a whole, and where there are
 * checkpoints, a run that began since is this one, resumed, and writes the same result.
 */
export async function saveResult({ output, data, network, trained, ended, from, replaced }: Finished): Promise<RunResult> {
  const model = join(output, 'model.safetensors')
  const { validation, outcome, step } = trained
  const result: RunResult = {
    outcome,
    network: network.name,
    data: data.train.name,
    ...ended,
    steps: step,
    trainImages: data.train.length,
    testImages: validationOf(data).length,
    testErrors: validation?.top1Errors ?? null,
    top1Error: validation?.top1Error ?? null,
    top5Error: validation?.top5Error ?? null,
    top1Accuracy: validation?.top1Accuracy ?? null,
    top5Accuracy: validation?.top5Accuracy ?? null,
    model,
    ...defined({ from, replacedOutputs: replaced }),
    ...(validation !== undefined && { confusion: confusionOf(data.train.classes, validation.confusion) }),
  }
  await makeDirectory(output)
  await trained.save(model)
  await replaceFile(join(output, resultFile), `${JSON.stringify(withVersion(trainDocument, result), undefined, 2)}\n`)
  await saveMistakes(output, trained, validationOf(data))
  return result
}
