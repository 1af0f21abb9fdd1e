/** The options of `compile`, and those that `fit` shares with it. */
import type { Dataset } from '../data/dataset.js'
import { checkDatasetOrLoader, type Loader } from '../data/loader.js'
import { loaderOptions } from '../data/options.js'
import { checkInner } from '../options/check.js'
import { flagOption, objectOption, signalOption, valueOption, variant, type Given, type RunTable } from '../options/spec.js'
import { emaOptions } from '../options/averages.js'
import { deviceOptions, programOptions, runOptions, trainingOptions } from '../options/table.js'
import { cudaTable, readCudaSettings } from './cuda.js'
import { checkRanks, type Ranks } from '../ranks/ranks.js'
import { checkOptimizer, type Optimizer } from './optimizer.js'

/** Those that are values of this room. */
export const sharedValues = {
  /**
   * How images become the network's input: steps of training, steps of evaluation, normalization. Give an object of options.
   * @default the loader's; none: the session takes values
   */
  prepare: variant(loaderOptions.prepare, {
    help: "how images become the network's input: steps of training, steps of evaluation, normalization",
    fallback: undefined,
    usual: "the loader's; none: the session takes values",
  }),
  /** What sgd(), adamW(), lamb() or lars() makes. Give an optimizer, such as sgd(). @default none: the session only evaluates and infers */
  optimizer: valueOption<Optimizer>()({
    group: 'Optimizer',
    help: 'what sgd(), adamW(), lamb() or lars() makes',
    accepts: 'an optimizer, such as sgd()',
    usual: 'none: the session only evaluates and infers',
    decides: true,
    read: checkOptimizer,
  }),
  /** Moving averages of parameters and running statistics, which are kept beside what is trained. Give an object of options. @default undefined */
  ema: objectOption(
    { group: 'Training', help: 'moving averages of parameters and running statistics, which are kept beside what is trained', decides: true },
    emaOptions,
    (where, value) => checkInner(where, emaOptions, value),
  ),
  /** Settings of a CUDA device; an error on others. Give an object of options. @default undefined */
  cuda: objectOption({ group: 'CUDA', help: 'settings of a CUDA device; an error on others', decides: true }, cudaTable, readCudaSettings),
  /**
   * The processes that share each batch, of which this is one: each computes its share, and the optimizer of each sees the sum of all gradients; on a CPU n
   * ranks and n groups of statistics of the same images give the same bits. Give what joinRanks() gives.
   * @default this process by itself
   */
  ranks: valueOption<Ranks>()({
    group: 'Ranks',
    help:
      'the processes that share each batch, of which this is one: each computes its share, and the optimizer of each sees the sum of all gradients; on a CPU ' +
      'n ranks and n groups of statistics of the same images give the same bits',
    accepts: 'what joinRanks() gives',
    usual: 'this process by itself',
    decides: true,
    read: checkRanks,
    record: ({ size }) => (size === 1 ? undefined : size),
  }),
  /**
   * Ends the preparation and the run with ERR_ABORTED, between two operations and without saving; a session's calls have signals of their own. Give an
   * AbortSignal.
   * @default undefined
   */
  signal: signalOption({
    group: 'Command',
    help: "ends the preparation and the run with ERR_ABORTED, between two operations and without saving; a session's calls have signals of their own",
    decides: false,
  }),
} satisfies RunTable

/** What `compile` and `fit` share: `fit` passes all of it on. */
export const sharedOptions: typeof programOptions & typeof deviceOptions & typeof trainingOptions & typeof sharedValues = {
  ...programOptions,
  ...deviceOptions,
  ...trainingOptions,
  ...sharedValues,
}

/** Of `compile` alone. */
export const ownSessionOptions = {
  /**
   * A loader whose batches steps reads, or a dataset, whose classes give their names and which prepare takes defaults from. Give a dataset.
   * @default none: values are handed over, see step
   */
  data: valueOption<Dataset | Loader>()({
    group: 'Data',
    help: 'a loader whose batches steps reads, or a dataset, whose classes give their names and which prepare takes defaults from',
    accepts: 'a dataset',
    usual: 'none: values are handed over, see step',
    decides: true,
    read: checkDatasetOrLoader,
  }),
  /** Images of a training step. Give an integer from 1 to 1048576 (images). @default the loader's */
  batch: variant(runOptions.batch, { help: 'images of a training step', fallback: undefined, usual: "the loader's" }),
  /** Training batches bring targets, N x classes. Give true or false. @default false */
  softTargets: flagOption({ group: 'Training', help: 'training batches bring targets, N x classes', fallback: false, flag: null, decides: true }),
  /** Whether evaluate shall be there; a session for inference alone is made in less time, and plans less memory without. Give true or false. @default true */
  evaluation: flagOption({
    group: 'Training',
    help: 'whether evaluate shall be there; a session for inference alone is made in less time, and plans less memory without',
    fallback: true,
    flag: null,
    decides: false,
  }),
} satisfies RunTable

/** Everything that `compile` takes. */
export const sessionTable: typeof sharedOptions & typeof ownSessionOptions = { ...sharedOptions, ...ownSessionOptions }

/** The options of `compile` are these. */
export interface SessionOptions
  extends
    Given<typeof programOptions>,
    Given<typeof deviceOptions>,
    Given<typeof trainingOptions>,
    Given<typeof sharedValues>,
    Given<typeof ownSessionOptions> {}

/** A loader, or the number itself, says how many images a training step has. */
export type BatchSize =
  | {
      /** The loader's batch is the session's. */
      readonly data: Loader
    }
  | {
      /** The number of images of a training step is from 1 to 1,048,576. */
      readonly batch: number
    }
