import { join } from 'node:path'
import { convolutionChoices } from '../compiler/options.js'
import type { DataSplit } from '../data/dataset.js'
import { PreresnetError } from '../errors.js'
import { replaceFile } from '../formats/files.js'
import type { Network } from '../layers/index.js'
import { fit, type FitOptions, multiStep, type Run, type Schedule, sgd, type TrainedModel } from '../training/index.js'
import { makeDirectory } from '../directory.js'
import type { CommandSpec } from './command.js'
import { confusionOf } from './confusion.js'
import { augmentationFor, dataOptions, openData } from './data_options.js'
import { chooseNetwork, networkOptions } from './model_options.js'
import { choiceOption, flagOption, integerOption, integersOption, namesOption, numberOption, stringOption, type ValuesOf } from './option_spec.js'
import { print, printJson } from './output.js'
import { cudaSettings, cudaTrainingOptions, placeOptions, recomputeOption } from './place_options.js'
import { noProgress, openProgress, type Progress } from './progress.js'
import { resultFile, type RunResult } from './run_directory.js'
import { SignalWatch } from './signals.js'

const options = {
  model: stringOption('name', 'a named network as preresnet-110; see also --family'),
  ...networkOptions,
  ...dataOptions,
  batch: integerOption('images a step', { minimum: 1, fallback: 128 }),
  steps: integerOption('steps; this or --epochs', { minimum: 1 }),
  epochs: numberOption('passes over the training images', { minimum: 0 }),
  seed: integerOption('seed of start values, order and augmentation', { minimum: 0, fallback: 0 }),
  ...placeOptions,
  ...recomputeOption,
  ...cudaTrainingOptions,
  workers: integerOption('threads that decode and augment images', { minimum: 1, maximum: 256, fallback: 1 }),
  output: stringOption('directory', 'where checkpoints, metrics and the model go (default: runs/NETWORK)'),
  checkpointEvery: integerOption('steps between checkpoints (default: one epoch)', { minimum: 1 }),
  keep: integerOption('newest checkpoints that stay, beside the best', { minimum: 1, fallback: 3 }),
  resume: flagOption('go on from the newest checkpoint in the output directory, if there is one', false),
  learningRate: numberOption('base learning rate', { minimum: 0, fallback: 0.1 }),
  milestones: integersOption('steps from which the rate is multiplied by the factor once more, or none (default: after a half and three quarters)', 1),
  milestoneFactor: numberOption('factor at milestones', { minimum: 0, fallback: 0.1 }),
  warmupSteps: integerOption('first steps with a rate of their own', { minimum: 0, fallback: 0 }),
  warmupRate: numberOption('that rate', { minimum: 0, fallback: 0.01 }),
  momentum: numberOption('momentum', { minimum: 0, maximum: 1, fallback: 0.9 }),
  nesterov: flagOption("Nesterov's momentum", false),
  weightDecay: numberOption('weight decay', { minimum: 0, fallback: 1e-4 }),
  excludeFromDecay: choiceOption('what does not decay', ['none', 'norm-and-bias'], 'none'),
  clipNorm: numberOption('largest norm of all gradients together; 0: any', { minimum: 0, fallback: 0 }),
  labelSmoothing: numberOption('share of the target spread over all classes', { minimum: 0, maximum: 1, fallback: 0 }),
  convolution: choiceOption('auto: Winograd too, in networks of up to 512 convolutions; direct: none, for the last digits', convolutionChoices, 'auto'),
  statisticsGroups: integerOption('groups of the batch with BN statistics of their own', { minimum: 1, fallback: 1 }),
  pad: integerOption('zeros around an image before the random crop (default: 2 for digits, else 4)', { minimum: 0 }),
  flip: flagOption('mirror half of the images, or not (default: not for digits)'),
  validateEvery: integerOption('steps between validations (default: one epoch)', { minimum: 1 }),
  logEvery: integerOption('steps a line of the log', { minimum: 1, fallback: 50 }),
  from: stringOption('model', 'start from the values of a model file'),
  except: namesOption('with --from: parameters that keep their start values, as head, or stages.2.*'),
  frozen: namesOption('parameters that are not trained'),
  frozenStatistics: namesOption('norms that keep their running statistics'),
  profile: stringOption('file', 'write a Chrome trace of three steps, for Perfetto: when each operation ran, and for how long'),
}

type Values = ValuesOf<typeof options> & { readonly json: boolean }

export const train: CommandSpec<typeof options> = {
  name: 'train',
  summary: 'train a network; SIGINT, SIGTERM or SIGHUP saves a checkpoint and leaves, --resume goes on',
  options,
  examples: [
    ['train --model preresnet-20 --data digits --epochs 5', 'digits that come with the package'],
    ['train --model preresnet-110 --data cifar10:data/cifar10 --steps 64000 --milestones 32000,48000 --warmup-steps 400', "the paper's recipe"],
    ['train --model preresnet-110 --data cifar10:data/cifar10 --steps 5 --profile trace.json', 'where the time of a step goes'],
    ['train --config runs/first.json --seed 2', 'options from a file, the seed from here'],
    ['train --model preresnet-50 --data photos --image 224 --resize 256 --from old.safetensors --except head --epochs 10', 'fine-tuning with a new head'],
  ],
  async run(values) {
    if ((values.steps === undefined) === (values.epochs === undefined)) {
      throw new PreresnetError('ERR_OPTION', `expected either --steps or --epochs, got ${values.steps === undefined ? 'neither' : 'both'}`)
    }
    const data = await openData(values)
    const network = chooseNetwork(values.model, values, { classes: data.train.classes.length, ...data.train.shape })
    const output = values.output ?? join('runs', network.name)
    const progress = values.json ? noProgress : openProgress(process.stderr.isTTY)
    using watch = new SignalWatch('saving and leaving')
    const run = fit(network, { ...fitOptions(values, data, output), signal: watch.signal })
    const whole = await follow(run, progress, watch)
    if (whole === undefined) return watch.status ?? 0
    const { trained, ended } = whole
    const result = await saveResult({ output, data, network, trained, ended })
    if (values.json) printJson(result)
    else print(join(output, 'model.safetensors'))
    return 0
  },
}

/** What the events told of the run as a whole. */
interface Ended {
  readonly device: string
  readonly precision: string
  readonly seconds: number
}

/** Undefined where a signal ended the run before its last step. */
export async function follow(run: Run, progress: Progress, watch: SignalWatch): Promise<{ trained: TrainedModel; ended: Ended } | undefined> {
  let [device, precision, seconds] = ['', '', 0]
  try {
    for await (const event of run.events) {
      if (event.kind === 'start') {
        ;({ device, precision } = event)
        watch.begun(() => void run.stop().catch(() => undefined))
      }
      if (event.kind === 'finished') ({ seconds } = event)
      progress.show(event)
    }
    const trained = await run.finished
    return trained.outcome === 'stopped' ? undefined : { trained, ended: { device, precision, seconds } }
  } catch (error) {
    if (watch.signal.aborted && error instanceof PreresnetError && error.code === 'ERR_ABORTED') return undefined
    throw error
  } finally {
    progress.stop()
  }
}

function fitOptions(values: Values, data: DataSplit, output: string): FitOptions {
  const {
    batch,
    steps,
    epochs,
    seed,
    device,
    precision,
    threads,
    workers,
    labelSmoothing,
    statisticsGroups,
    convolution,
    recompute,
    logEvery,
    validateEvery,
    checkpointEvery,
  } = values
  const { momentum, nesterov, weightDecay, excludeFromDecay, clipNorm, keep, resume, from, except, frozen, frozenStatistics, profile } = values
  return {
    train: data.train,
    validate: data.test,
    augment: augmentationFor(values),
    batch,
    ...(steps === undefined ? { epochs: epochs! } : { steps }),
    seed,
    device,
    precision,
    threads,
    ...cudaSettings(values),
    workers,
    optimizer: sgd({ momentum, nesterov, weightDecay, excludeFromDecay, clipNorm }),
    learningRate: learningRate(values, data.train.length),
    labelSmoothing,
    statisticsGroups,
    convolution,
    recompute,
    logEvery,
    ...(validateEvery !== undefined && { validateEvery }),
    ...(from !== undefined && { initialise: { from, except } }),
    frozen,
    frozenStatistics,
    ...(profile !== undefined && { profile }),
    checkpoint: { directory: output, keep, resume, ...(checkpointEvery !== undefined && { every: checkpointEvery }) },
  }
}

function learningRate(values: Values, images: number): Schedule {
  const { learningRate: base, milestoneFactor: factor, warmupSteps, warmupRate, batch } = values
  const steps = values.steps ?? Math.round(values.epochs! * Math.floor(images / batch))
  const milestones = values.milestones ?? [Math.floor(steps / 2), Math.floor((3 * steps) / 4)].filter((step, index, all) => step > 0 && step !== all[index - 1])
  return multiStep({ base, factor, milestones, ...(warmupSteps > 0 && { warmup: { steps: warmupSteps, rate: warmupRate } }) })
}

interface Finished {
  readonly output: string
  readonly data: DataSplit
  readonly network: Network
  readonly trained: TrainedModel
  readonly ended: Ended
}

/**
 * model.safetensors and result.json. The run's lock is gone by now, which is fine: each file is replaced as a whole, and where there are
 * checkpoints, a run that began since is this one, resumed, and writes the same result.
 */
export async function saveResult({ output, data, network, trained, ended }: Finished): Promise<RunResult> {
  const model = join(output, 'model.safetensors')
  const { validation, outcome, step } = trained
  const result: RunResult = {
    outcome,
    network: network.name,
    data: data.train.name,
    ...ended,
    steps: step,
    trainImages: data.train.length,
    testImages: data.test.length,
    testErrors: validation?.top1Errors ?? null,
    top1Error: validation?.top1Error ?? null,
    top5Error: validation?.top5Error ?? null,
    model,
    ...(validation !== undefined && { confusion: confusionOf(data.test.classes, validation.confusion) }),
  }
  await makeDirectory(output)
  await trained.save(model)
  await replaceFile(join(output, resultFile), `${JSON.stringify(result, undefined, 2)}\n`)
  return result
}
