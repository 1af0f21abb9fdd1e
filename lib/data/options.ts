/** The options of `loader`, `cacheInMemory`, `customDataset`, `pack`, `imageFolderSplits` and `imageNetFolder`. */
import {
  choiceOption,
  flagOption,
  integerOption,
  numberOption,
  signalOption,
  stringOption,
  valueOption,
  variant,
  type Given,
  type Table,
} from '../options/spec.js'
import { runOptions, trainingOptions } from '../options/table.js'
import { invalid } from '../options/values.js'
import { readInput } from './check.js'
import type { ImageShape } from './dataset.js'
import type { PackProgress } from './packed.js'
import { readPreparation, type Preparation } from './prepare/preparation.js'
import { sourceOptions } from './source_options.js'

export const loaderOptions = {
  /** Images a batch. Give an integer from 1 to 1048576 (images). */
  batch: variant(runOptions.batch, { help: 'images a batch', fallback: undefined, required: true }),
  /** The network's input: what size its images have. Give height, width and channels. @default that of images in memory */
  input: valueOption<ImageShape>()({
    group: 'Data',
    help: "the network's input: what size its images have",
    accepts: 'height, width and channels',
    usual: 'that of images in memory',
    decides: true,
    read: readInput,
  }),
  /**
   * Train: shuffled anew in every epoch, prepared by `prepare.train`, the short last batch dropped, endless; evaluate: in order, prepared by
   * `prepare.evaluate`, the last batch filled up with images that do not count. Give "train" or "evaluate".
   * @default train
   */
  mode: choiceOption({
    group: 'Data',
    help:
      'train: shuffled anew in every epoch, prepared by `prepare.train`, the short last batch dropped, endless; evaluate: in order, prepared by ' +
      '`prepare.evaluate`, the last batch filled up with images that do not count',
    choices: ['train', 'evaluate'],
    fallback: 'train',
    decides: true,
  }),
  /** How images become the network's input; a list that is missing is empty: files have the size of the input. Give an object of options. @default {} */
  prepare: valueOption<Preparation>()({
    group: 'Data',
    help: "how images become the network's input; a list that is missing is empty: files have the size of the input",
    accepts: 'an object of options',
    fallback: Object.freeze({}),
    usual: '{}',
    decides: true,
    read: readPreparation,
  }),
  /** Seed of order and of random steps of preparation. Give an integer of at least 0. @default 0 */
  seed: variant(trainingOptions.seed, { help: 'seed of order and of random steps of preparation' }),
  /** Threads that decode and prepare images. Give an integer from 1 to 256 (threads). @default 1 */
  workers: runOptions.workers,
  /**
   * What comes of a file that is no image: 'error' rejects the batch; 'skip': the nearest good image of the batch stands in its place to train, the one before
   * it where two are as near, and to evaluate its label is -1. Give "error" or "skip".
   * @default error
   */
  corrupt: variant(runOptions.corrupt, {
    help:
      "what comes of a file that is no image: 'error' rejects the batch; 'skip': the nearest good image of the batch stands in its place to train, the one " +
      'before it where two are as near, and to evaluate its label is -1',
  }),
  /**
   * Which images an epoch of training has, as many places as there are images: 'shuffled': each once; 'balanced': at each place a class is drawn, each with the
   * same probability, and one of its images, so that rare classes come as often as others. Give "shuffled" or "balanced".
   * @default shuffled
   */
  sampling: runOptions.sampling,
  /**
   * Times that each image comes in a batch, each time with random steps of its own, dealt out over the groups of statistics; an epoch has as many places as
   * before, and so a part of the images. Give an integer from 1 to 1024 (times).
   * @default 1
   */
  repeatedAugmentation: runOptions.repeatedAugmentation,
  /**
   * Both parameters of the Beta distribution of the share that an image keeps, to which another image of its group of statistics is added, and their labels so
   * too; 0: none; with cutmix beside, each group has one of both. Give a number from 0 to 1000 (alpha).
   * @default 0
   */
  mixup: trainingOptions.mixup,
  /**
   * The same for the share of the area that an image keeps, outside of a box that is cut out of another image of its group of statistics; labels are mixed by
   * area; 0: none. Give a number from 0 to 1000 (alpha).
   * @default 0
   */
  cutmix: trainingOptions.cutmix,
  /**
   * Groups of consecutive images of a batch of all ranks, for mixup, cutmix and repeatedAugmentation: those of statistics, times accumulations and ranks. Give
   * an integer of at least 1 (groups).
   * @default 1
   */
  groups: integerOption({
    group: 'Data',
    help: 'groups of consecutive images of a batch of all ranks, for mixup, cutmix and repeatedAugmentation: those of statistics, times accumulations and ranks',
    unit: 'groups',
    minimum: 1,
    fallback: 1,
    decides: true,
  }),
  /** Number of this loader among those that share each batch. Give an integer of at least 0. @default 0 */
  rank: integerOption({ group: 'Data', help: 'number of this loader among those that share each batch', unit: null, minimum: 0, fallback: 0, decides: false }),
  /**
   * Loaders that share each batch: together they give the batches of one; batch is a multiple of it. Give an integer from 1 to 1048576 (loaders).
   * @default 1
   */
  ranks: integerOption({
    group: 'Data',
    help: 'loaders that share each batch: together they give the batches of one; batch is a multiple of it',
    unit: 'loaders',
    minimum: 1,
    maximum: 2 ** 20,
    fallback: 1,
    decides: false,
  }),
  /**
   * The sample of the endless order that a loop over the loader begins with: nextSample of the last batch before a stop. Give an integer of at least 0
   * (samples).
   * @default 0
   */
  firstSample: integerOption({
    group: 'Data',
    help: 'the sample of the endless order that a loop over the loader begins with: nextSample of the last batch before a stop',
    unit: 'samples',
    minimum: 0,
    fallback: 0,
    decides: true,
  }),
  /** Batches kept ready. Give an integer from 2 to 1024 (batches). @default 4 */
  slots: integerOption({ group: 'Data', help: 'batches kept ready', unit: 'batches', minimum: 2, maximum: 1024, fallback: 4, decides: false }),
} satisfies Table

/** The options of `loader` are these. */
export type LoaderOptions = Given<typeof loaderOptions>

export const cacheOptions = {
  /** The network's input. Give height, width and channels. */
  input: variant(loaderOptions.input, { help: "the network's input", usual: undefined, required: true }),
  /** How images become the network's input. Give an object of options. @default files that have the size of the input */
  prepare: variant(loaderOptions.prepare, { help: "how images become the network's input", usual: 'files that have the size of the input' }),
  /** Whose steps are done. Give "train" or "evaluate". @default train */
  mode: variant(loaderOptions.mode, { help: 'whose steps are done' }),
  /** Threads that decode. Give an integer from 1 to 256 (threads). @default 2 */
  workers: variant(runOptions.workers, { help: 'threads that decode', fallback: 2 }),
  /** What comes of a file that is no image: see the loader's. Give "error" or "skip". @default error */
  corrupt: variant(loaderOptions.corrupt, { help: "what comes of a file that is no image: see the loader's" }),
  /** Ends the decoding with ERR_ABORTED. Give an AbortSignal. @default undefined */
  signal: signalOption({ group: 'Command', help: 'ends the decoding with ERR_ABORTED', decides: false }),
} satisfies Table

/** The options of `cacheInMemory` are these. */
export type CacheOptions = Given<typeof cacheOptions>

export const customOptions = {
  /** Number of reads that may be under way at once. Give an integer from 1 to 1024 (reads). @default 16 */
  reads: integerOption({
    group: 'Data',
    help: 'number of reads that may be under way at once',
    unit: 'reads',
    minimum: 1,
    maximum: 1024,
    fallback: 16,
    flag: null,
  }),
  /**
   * Time that a read may take, from its call on; then the batch fails with an error that names the sample. Give a number above 0 and at most 86400 (seconds).
   * @default 60
   */
  timeout: numberOption({
    group: 'Data',
    help: 'time that a read may take, from its call on; then the batch fails with an error that names the sample',
    unit: 'seconds',
    minimum: 0,
    above: true,
    maximum: 86_400,
    fallback: 60,
    flag: null,
  }),
} satisfies Table

export const packOptions = {
  /**
   * Shorter side to which larger images are resized; these are encoded anew as JPEG with chroma at half the resolution, smaller ones stay as they are. Give an
   * integer from 1 to 65500 (pixels).
   * @default no image is changed
   */
  side: integerOption({
    group: 'Data',
    help: 'shorter side to which larger images are resized; these are encoded anew as JPEG with chroma at half the resolution, smaller ones stay as they are',
    unit: 'pixels',
    minimum: 1,
    maximum: 65_500,
    usual: 'no image is changed',
  }),
  /** Quality of JPEG files with `side`, the factor of libjpeg. Give an integer from 1 to 100 (points). @default 90 */
  quality: integerOption({
    group: 'Data',
    help: 'quality of JPEG files with `side`, the factor of libjpeg',
    unit: 'points',
    minimum: 1,
    maximum: 100,
    fallback: 90,
  }),
  /**
   * Height and width of the middle that is stored as pixels, after a resize of the shorter side to the same; decoding costs nothing then. Give an integer from
   * 1 to 4096 (pixels).
   * @default files are stored
   */
  raw: integerOption({
    group: 'Data',
    help: 'height and width of the middle that is stored as pixels, after a resize of the shorter side to the same; decoding costs nothing then',
    unit: 'pixels',
    minimum: 1,
    maximum: 4096,
    usual: 'files are stored',
  }),
  /** One channel instead of three, with `side` or `raw`. Give true or false. @default false */
  gray: flagOption({ group: 'Data', help: 'one channel instead of three, with `side` or `raw`', fallback: false }),
  /** Ends the packing with ERR_ABORTED; an older archive stays as it was. Give an AbortSignal. @default undefined */
  signal: signalOption({ group: 'Command', help: 'ends the packing with ERR_ABORTED; an older archive stays as it was' }),
  /** Told how many samples and bytes are written, again and again. Give a function. @default undefined */
  onProgress: valueOption<(progress: PackProgress) => void>()({
    group: 'Command',
    help: 'told how many samples and bytes are written, again and again',
    accepts: 'a function',
    read(where, value) {
      if (typeof value === 'function') return value as (progress: PackProgress) => void
      throw invalid(where, 'a function', value)
    },
    record: () => undefined,
  }),
} satisfies Table

/** The options of `pack` are these. */
export type PackOptions = Given<typeof packOptions>

export const imageNetOptions = {
  /** Which images. Give "train" or "validation". */
  split: choiceOption({ group: 'Data', help: 'which images', choices: ['train', 'validation'], required: true }),
  /**
   * The unpacked devkit, which has the labels of validation images in one folder. Give a string that is not empty.
   * @default ILSVRC2012_devkit_t12 in the directory
   */
  devkit: stringOption({
    group: 'Data',
    help: 'the unpacked devkit, which has the labels of validation images in one folder',
    metavar: 'folder',
    usual: 'ILSVRC2012_devkit_t12 in the directory',
  }),
  /** Ends the reading with ERR_ABORTED. Give an AbortSignal. @default undefined */
  signal: signalOption({ group: 'Command', help: 'ends the reading with ERR_ABORTED' }),
  /** Folders, tars and Parquet: look at each file again, whatever was remembered of them or lies in an index beside them. Give true or false. @default false */
  rescan: sourceOptions.rescan,
} satisfies Table

/** The options of `imageNetFolder` are these. */
export type ImageNetFolderOptions = Given<typeof imageNetOptions>

export const splitOptions = {
  /** The folder beside train to validate with, by its name. Give a string that is not empty. @default valid, val or validation, or else test */
  validate: stringOption({
    group: 'Data',
    help: 'the folder beside train to validate with, by its name',
    metavar: 'folder',
    usual: 'valid, val or validation, or else test',
  }),
  /**
   * Share of the training images to validate with instead; a hash of each file's path, seen from the folder, decides, so that an image stays where it is when
   * others are added; then the folder may be one of class folders. Give a number above 0 and below 1 (share).
   * @default none
   */
  validationShare: numberOption({
    group: 'Data',
    help:
      "share of the training images to validate with instead; a hash of each file's path, seen from the folder, decides, so that an image stays where it is when " +
      'others are added; then the folder may be one of class folders',
    unit: 'share',
    minimum: 0,
    above: true,
    maximum: 1,
    below: true,
    usual: 'none',
  }),
} satisfies Table
