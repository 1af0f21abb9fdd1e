/**
 * The options of `compile`, `fit` and the command line whose values are plain. What takes a dataset, a schedule or another value of a room stands in that room's
 * table (runtime/session_options.ts, training/fit_options.ts), as an entry of the same kind. `node scripts/options.mjs` writes each comment from its entry.
 */
import { lossOptions } from './losses.js'
import { reductionOptions } from './reduction.js'
import { choiceOption, flagOption, integerOption, integersOption, namesOption, numberOption, numberOrWordOption, stringOption, type RunTable } from './spec.js'

/** What decides, of a network's training, which program is compiled. */
export const programOptions = {
  /** Groups of consecutive images of a batch with BN statistics of their own. Give an integer of at least 1 (groups). @default 1 */
  statisticsGroups: integerOption({
    group: 'Training',
    help: 'groups of consecutive images of a batch with BN statistics of their own',
    unit: 'groups',
    minimum: 1,
    fallback: 1,
    decides: true,
  }),
  /**
   * Accumulations of a step: so many equal parts of the batch are computed one after another, and the optimizer sees the sum of their gradients; less memory
   * for the same batch; on a CPU n groups of statistics and n accumulations of the same images give the same bits. Give an integer of at least 1
   * (accumulations).
   * @default 1
   */
  accumulate: integerOption({
    group: 'Training',
    help:
      'accumulations of a step: so many equal parts of the batch are computed one after another, and the optimizer sees the sum of their gradients; less memory ' +
      'for the same batch; on a CPU n groups of statistics and n accumulations of the same images give the same bits',
    unit: 'accumulations',
    minimum: 1,
    fallback: 1,
    decides: true,
  }),
  /**
   * Of several ranks: batch statistics over the images of all of them, as if one process had the whole batch; expects 1 for accumulate and statisticsGroups.
   * Give true or false.
   * @default false
   */
  synchronizedBatchNorm: reductionOptions.synchronizedBatchNorm,
  /**
   * How gradients of several ranks are added; 'ordered': by a tree, to the same bits on every machine; 'fast': by the engine as it likes, so that bits may hang
   * on its version and on where the ranks are. Give "ordered" or "fast".
   * @default ordered
   */
  reduction: reductionOptions.reduction,
  /**
   * Of several ranks: gradients go on their way as soon as so many of them are there, while the backward pass makes the others; the same bits; 0: all at its
   * end. Give an integer of at least 0 (KiB).
   * @default 0
   */
  reductionBucket: reductionOptions.reductionBucket,
  /**
   * 'auto': Winograd where it is faster, in networks of up to 512 convolutions; 'direct': no Winograd, which is slower and slightly more accurate. Give "auto"
   * or "direct".
   * @default auto
   */
  convolution: choiceOption({
    group: 'Training',
    help: "'auto': Winograd where it is faster, in networks of up to 512 convolutions; 'direct': no Winograd, which is slower and slightly more accurate",
    choices: ['auto', 'direct'],
    fallback: 'auto',
    decides: true,
  }),
  /**
   * Activation checkpointing: keep every n-th sum of each residual stream for the backward pass and compute the others again; the same results with less memory
   * and some more time; 1: keep all. Give an integer of at least 1 (sums).
   * @default 1
   */
  activationCheckpointing: integerOption({
    group: 'Training',
    help:
      'activation checkpointing: keep every n-th sum of each residual stream for the backward pass and compute the others again; the same results with less ' +
      'memory and some more time; 1: keep all',
    unit: 'sums',
    minimum: 1,
    fallback: 1,
    decides: false,
  }),
} satisfies RunTable

/** Where and how to compute: `compile`, `fit`, `Classifier.load` and most commands. */
export const deviceOptions = {
  /** Who computes. Give "auto" or "cpu" or "reference" or "cuda". @default auto */
  device: choiceOption({
    group: 'Device',
    help: 'who computes',
    choices: ['auto', 'cpu', 'reference', 'cuda'],
    fallback: 'auto',
    decides: true,
  }),
  /**
   * Types in memory and of arithmetic; parameters and sums are fp32 in each; 'auto': fp16 on CUDA, on the CPU what a measurement of about a second at first use
   * finds fastest, which is remembered. Give "auto" or "fp32" or "tf32" or "bf16" or "bf16-native" or "fp16" or "fp64".
   * @default auto
   */
  precision: choiceOption({
    group: 'Device',
    help:
      "types in memory and of arithmetic; parameters and sums are fp32 in each; 'auto': fp16 on CUDA, on the CPU what a measurement of about a second at first " +
      'use finds fastest, which is remembered',
    choices: ['auto', 'fp32', 'tf32', 'bf16', 'bf16-native', 'fp16', 'fp64'],
    fallback: 'auto',
    decides: true,
  }),
  /** Threads that compute; 0: what user, cores and cgroup allow; results do not depend on it. Give an integer from 0 to 1024 (threads). @default 0 */
  threads: integerOption({
    group: 'Device',
    help: 'threads that compute; 0: what user, cores and cgroup allow; results do not depend on it',
    unit: 'threads',
    minimum: 0,
    maximum: 1024,
    fallback: 0,
    decides: false,
  }),
} satisfies RunTable

/** Of training, beside what it minimizes. */
const ownTrainingOptions = {
  /** Seed of start values, order, random steps of preparation and dropout. Give an integer of at least 0. @default 0 */
  seed: integerOption({
    group: 'Training',
    help: 'seed of start values, order, random steps of preparation and dropout',
    unit: null,
    minimum: 0,
    fallback: 0,
    decides: true,
  }),
  /** Parameters that are not trained: names, paths above them, patterns with *. Give a list of names or patterns. @default [] */
  frozen: namesOption({
    group: 'Training',
    help: 'parameters that are not trained: names, paths above them, patterns with *',
    fallback: [],
    decides: true,
  }),
  /**
   * Norms that use and keep their running statistics while training: names, paths above them, patterns with *. Give a list of names or patterns.
   * @default []
   */
  frozenStatistics: namesOption({
    group: 'Training',
    help: 'norms that use and keep their running statistics while training: names, paths above them, patterns with *',
    fallback: [],
    decides: true,
  }),
} satisfies RunTable

/** Of training, in `compile` and `fit`. */
export const trainingOptions: typeof ownTrainingOptions & typeof lossOptions = { ...ownTrainingOptions, ...lossOptions }

/** Of `fit`: one of both. */
export const lengthOptions = {
  /** Steps of training; this or epochs. Give an integer of at least 1 (steps). @default undefined */
  steps: integerOption({ group: 'Training', help: 'steps of training; this or epochs', unit: 'steps', minimum: 1, decides: false }),
  /** Passes over the training images, which may have a fraction; this or steps. Give a number above 0 (epochs). @default undefined */
  epochs: numberOption({
    group: 'Training',
    help: 'passes over the training images, which may have a fraction; this or steps',
    unit: 'epochs',
    minimum: 0,
    above: true,
    decides: false,
  }),
} satisfies RunTable

/** Of `fit` alone. */
export const runOptions = {
  /** Images a step; the last short batch of an epoch is dropped. Give an integer from 1 to 1048576 (images). @default 128 */
  batch: integerOption({
    group: 'Training',
    help: 'images a step; the last short batch of an epoch is dropped',
    unit: 'images',
    minimum: 1,
    maximum: 2 ** 20,
    fallback: 128,
    decides: true,
  }),
  /** Threads that decode and prepare images. Give an integer from 1 to 256 (threads). @default 1 */
  workers: integerOption({
    group: 'Data',
    help: 'threads that decode and prepare images',
    unit: 'threads',
    minimum: 1,
    maximum: 256,
    fallback: 1,
    decides: false,
  }),
  /**
   * What comes of a file that is no image: 'error' ends the run and names it; 'skip': the nearest good image of the batch stands in its place to train, and to
   * evaluate it does not count; how many there were is told. Give "error" or "skip".
   * @default error
   */
  corrupt: choiceOption({
    group: 'Data',
    help:
      "what comes of a file that is no image: 'error' ends the run and names it; 'skip': the nearest good image of the batch stands in its place to train, " +
      'and to evaluate it does not count; how many there were is told',
    choices: ['error', 'skip'],
    fallback: 'error',
    decides: false,
  }),
  /**
   * Which images an epoch of training has, as many places as there are images: 'shuffled': each once; 'balanced': at each place a class is drawn, each with the
   * same probability, and one of its images, so that rare classes come as often as others. Give "shuffled" or "balanced".
   * @default shuffled
   */
  sampling: choiceOption({
    group: 'Data',
    help:
      "which images an epoch of training has, as many places as there are images: 'shuffled': each once; 'balanced': at each place a class is drawn, each with " +
      'the same probability, and one of its images, so that rare classes come as often as others',
    choices: ['shuffled', 'balanced'],
    fallback: 'shuffled',
    decides: true,
  }),
  /**
   * Times that each image comes in a batch, each time with random steps of its own, dealt out over the groups of statistics; an epoch has as many places as
   * before, and so a part of the images. Give an integer from 1 to 1024 (times).
   * @default 1
   */
  repeatedAugmentation: integerOption({
    group: 'Data',
    help:
      'times that each image comes in a batch, each time with random steps of its own, dealt out over the groups of statistics; an epoch has as many places as ' +
      'before, and so a part of the images',
    unit: 'times',
    minimum: 1,
    maximum: 1024,
    fallback: 1,
    decides: true,
  }),
  /** Steps between validations. Give an integer of at least 1 (steps). @default one epoch */
  validateEvery: integerOption({ group: 'Output', help: 'steps between validations', unit: 'steps', minimum: 1, usual: 'one epoch', decides: false }),
  /**
   * Numbers of steps done before which norms of signals and gradients behind each unit are noted in probe.jsonl of the output: of up to 32 images, in fp32, or
   * in fp64 on device reference. Give an array of integers of at least 0 (step).
   * @default []
   */
  probe: integersOption({
    group: 'Output',
    help:
      'numbers of steps done before which norms of signals and gradients behind each unit are noted in probe.jsonl of the output: of up to 32 images, in fp32, or in ' +
      'fp64 on device reference',
    unit: 'step',
    minimum: 0,
    fallback: [],
    decides: false,
  }),
  /** Steps a line of the log. Give an integer of at least 1 (steps). @default 50 */
  logEvery: integerOption({ group: 'Output', help: 'steps a line of the log', unit: 'steps', minimum: 1, fallback: 50, decides: false }),
  /** Directory of metrics.jsonl, the event file and manifest.json. Give a string that is not empty. @default the checkpoints' directory, or none */
  output: stringOption({
    group: 'Output',
    help: 'directory of metrics.jsonl, the event file and manifest.json',
    metavar: 'directory',
    usual: "the checkpoints' directory, or none",
    decides: false,
  }),
  /**
   * File for a Chrome trace (Perfetto opens it) of three steps after the first two: when each operation ran, and for how long. Give a string that is not empty.
   * @default undefined
   */
  profile: stringOption({
    group: 'Output',
    help: 'file for a Chrome trace (Perfetto opens it) of three steps after the first two: when each operation ran, and for how long',
    metavar: 'file',
    decides: false,
  }),
} satisfies RunTable

/** `checkpoint` of `fit`. */
export const checkpointOptions = {
  /** Where checkpoints go. Give a string that is not empty. */
  directory: stringOption({ group: 'Output', help: 'where checkpoints go', metavar: 'directory', required: true, flag: null, decides: false }),
  /**
   * Steps between checkpoints; one more is written at the end, and where a validation is the best so far. Give an integer of at least 1 (steps).
   * @default one epoch
   */
  every: integerOption({
    group: 'Output',
    help: 'steps between checkpoints; one more is written at the end, and where a validation is the best so far',
    unit: 'steps',
    minimum: 1,
    usual: 'one epoch',
    flag: 'checkpointEvery',
    decides: false,
  }),
  /** Newest checkpoints that stay; the best stays beside. Give an integer of at least 1 (checkpoints). @default 3 */
  keep: integerOption({
    group: 'Output',
    help: 'newest checkpoints that stay; the best stays beside',
    unit: 'checkpoints',
    minimum: 1,
    fallback: 3,
    decides: false,
  }),
  /**
   * Go on from the newest checkpoint in the directory, if there is one; without it, a directory with checkpoints is an error. Give true or false.
   * @default false
   */
  resume: flagOption({
    group: 'Output',
    help: 'go on from the newest checkpoint in the directory, if there is one; without it, a directory with checkpoints is an error',
    fallback: false,
    decides: false,
  }),
} satisfies RunTable

/** `initialize` of `fit`. */
export const initializeOptions = {
  /** Model file whose values training starts from. Give a string that is not empty. */
  from: stringOption({ group: 'Training', help: 'model file whose values training starts from', metavar: 'model', required: true, decides: false }),
  /**
   * Parameters that keep their start values all the same (a replaced head): names, paths above them, patterns with *. Give a list of names or patterns.
   * @default []
   */
  except: namesOption({
    group: 'Training',
    help: 'parameters that keep their start values all the same (a replaced head): names, paths above them, patterns with *',
    fallback: [],
    decides: false,
  }),
} satisfies RunTable

/** The loss scale's limits: its inverse must be a number too. */
const largestLossScale = 2 ** 64

/** `cuda` of `compile`, `fit` and `Classifier.load`, where plain. */
export const cudaOptions = {
  /** Number of the device. Give an integer from 0 to 1023. @default 0 */
  index: integerOption({ group: 'CUDA', help: 'number of the device', unit: null, minimum: 0, maximum: 1023, fallback: 0, flag: 'cudaIndex', decides: false }),
  /**
   * Only algorithms whose results are the same bits in every run, on one model of GPU with one version of cuDNN; how sums are split follows from the number of
   * multiprocessors, so another model gives other roundings. Give true or false.
   * @default false
   */
  deterministic: flagOption({
    group: 'CUDA',
    help:
      'only algorithms whose results are the same bits in every run, on one model of GPU with one version of cuDNN; how sums are split follows from the number ' +
      'of multiprocessors, so another model gives other roundings',
    fallback: false,
    decides: true,
  }),
  /** Launches one by one instead of a captured graph; for debugging. Give true or false. @default false */
  eager: flagOption({ group: 'CUDA', help: 'launches one by one instead of a captured graph; for debugging', fallback: false, decides: false }),
  /**
   * What gradients are multiplied by on their way back; 'dynamic' halves it on overflow and doubles it after many good steps. Give "dynamic" or a number from
   * 2^-64 to 2^64 (factor).
   * @default dynamic in fp16, else 1
   */
  lossScale: numberOrWordOption({
    group: 'CUDA',
    help: "what gradients are multiplied by on their way back; 'dynamic' halves it on overflow and doubles it after many good steps",
    unit: 'factor',
    word: 'dynamic',
    accepts: '"dynamic" or a number from 2^-64 to 2^64',
    minimum: 1 / largestLossScale,
    maximum: largestLossScale,
    usual: 'dynamic in fp16, else 1',
    decides: true,
  }),
  /** Bytes that one convolution may take beside its tensors; 0: any. Give an integer of at least 0 (bytes). @default 0 */
  workspaceLimit: integerOption({
    group: 'CUDA',
    help: 'bytes that one convolution may take beside its tensors; 0: any',
    unit: 'bytes',
    minimum: 0,
    fallback: 0,
    decides: false,
  }),
  /**
   * Bytes of datasets in memory that are kept on the device as a whole, beside the session's memory, so that steps send indices instead of images; what is
   * beyond that, or does not fit beside the session, stays on the host; 0: none. Give an integer of at least 0 (bytes).
   * @default 512 MiB
   */
  residentLimit: integerOption({
    group: 'CUDA',
    help:
      "bytes of datasets in memory that are kept on the device as a whole, beside the session's memory, so that steps send indices instead of images; what is " +
      'beyond that, or does not fit beside the session, stays on the host; 0: none',
    unit: 'bytes',
    minimum: 0,
    fallback: 512 * 2 ** 20,
    usual: '512 MiB',
    decides: false,
  }),
} satisfies RunTable
