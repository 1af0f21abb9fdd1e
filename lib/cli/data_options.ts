/** `--data`: digits, cifar10:DIR, cifar100:DIR, tar:TRAIN,TEST, parquet:TRAIN,TEST, packed:TRAIN,TEST, imagenet:DIR or a folder. */
import type { Dataset, DataSplit, ImageShape } from '../data/dataset.js'
import { storedSize } from '../data/image_sizes.js'
import { splitOutsideBraces } from '../data/braces.js'
import {
  centerCrop,
  cifar10,
  cifar100,
  digits,
  imageFolder,
  imageFolderSplits,
  imageNetFolder,
  packedDataset,
  parquetDataset,
  resize,
  type Preparation,
  type PreparationStep,
} from '../data/index.js'
import type { HeaderReading } from '../data/reading.js'
import { tarDataset } from '../data/tar.js'
import { usualSteps } from '../data/prepare/complete.js'
import { PreresnetError } from '../errors.js'
import { splitOptions } from '../data/options.js'
import { sourceOptions } from '../data/source_options.js'
import { flagOption, integerOption, stringOption, variant, type ValuesOf } from '../options/spec.js'
import { defined } from '../options/values.js'
import { trainingSteps, withFilter, type RandomStepValues } from './random_steps.js'

export const dataOptions = {
  data: stringOption({
    group: 'Data',
    help:
      'digits, cifar10:DIR, cifar100:DIR, tar:TRAIN,TEST (tar files; braces stand for several, as {000..146}), parquet:TRAIN,TEST (as Hugging Face has them), ' +
      'packed:TRAIN,TEST (files of `pack`), imagenet:DIR (ILSVRC 2012: train, val and its devkit), or a folder with train/CLASS/*.jpg and test/CLASS/*.jpg',
    metavar: 'what',
  }),
  validate: variant(splitOptions.validate, { help: `folder: ${splitOptions.validate.help}` }),
  validationShare: variant(splitOptions.validationShare, { help: `folder: ${splitOptions.validationShare.help}` }),
  image: integerOption({
    group: 'Data',
    help: 'files: height and width cut out of the middle of an image',
    unit: 'pixels',
    minimum: 1,
    usual: 'all of it',
  }),
  resize: integerOption({
    group: 'Data',
    help: 'files: shorter side to which images are resized before that',
    unit: 'pixels',
    minimum: 1,
    usual: '--image / 0.875, or not at all where every file has the size of --image',
  }),
  gray: flagOption({ group: 'Data', help: 'files: one channel instead of three', fallback: false }),
  rescan: sourceOptions.rescan,
}

type DataValues = ValuesOf<typeof dataOptions>

/** What reads one set of images; the test set has the classes of the training set. */
const setReaders = { 'tar:': tarDataset, 'parquet:': parquetDataset, 'packed:': packedDataset } as const

type SetPrefix = keyof typeof setReaders

const setPrefixes = Object.keys(setReaders) as SetPrefix[]

function setPrefixOf(data: string): SetPrefix | undefined {
  return setPrefixes.find((prefix) => data.startsWith(prefix))
}

async function openSets(prefix: SetPrefix, files: string, rescan: boolean): Promise<DataSplit> {
  const [first, second, ...more] = splitOutsideBraces(files)
  if (!first || !second || more.length > 0)
    throw new PreresnetError('ERR_OPTION', `--data: expected ${prefix}TRAIN,TEST (two sets of images), got ${prefix}${files}`)
  const train = await setReaders[prefix](first, { rescan })
  return { train, test: await setReaders[prefix](second, { classes: train.classes, rescan }) }
}

/** One set of images: a folder of classes, tar:FILES, parquet:FILES or packed:FILE. Those that are compressed in Parquet files are read too. */
export function openSet(data: string, options: { readonly rescan: boolean; readonly signal: AbortSignal }): Promise<Dataset> {
  const prefix = setPrefixOf(data)
  if (prefix === 'parquet:') return parquetDataset(data.slice(prefix.length), { ...options, decompress: true })
  return prefix === undefined ? imageFolder(data, options) : setReaders[prefix](data.slice(prefix.length), options)
}

const archives = { 'cifar10:': cifar10, 'cifar100:': cifar100 } as const

/** Files of images alone leave open how large and in what colors a network takes them. */
function isFiles(data: string): boolean {
  return data !== 'digits' && !Object.keys(archives).some((prefix) => data.startsWith(prefix))
}

const imageNetPrefix = 'imagenet:'

async function openImageNet(directory: string, rescan: boolean): Promise<DataSplit> {
  const [train, test] = await Promise.all((['train', 'validation'] as const).map((split) => imageNetFolder(directory, { split, rescan })))
  return { train: train!, test: test! }
}

export async function openData({ data, validate, validationShare, image, resize, gray, rescan }: DataValues): Promise<DataSplit> {
  if (data === undefined)
    throw new PreresnetError(
      'ERR_OPTION',
      'expected --data (digits, cifar10:DIR, cifar100:DIR, tar:TRAIN,TEST, parquet:TRAIN,TEST, packed:TRAIN,TEST, imagenet:DIR or a folder), got none',
    )
  const sets = setPrefixOf(data)
  if (isFiles(data) && sets === undefined && !data.startsWith(imageNetPrefix)) {
    return imageFolderSplits(data, defined({ validate, validationShare, rescan }))
  }
  if (validate !== undefined || validationShare !== undefined)
    throw new PreresnetError('ERR_OPTION', `--validate and --validation-share are for folders, got --data ${data}`)
  if (data.startsWith(imageNetPrefix)) return openImageNet(nonEmpty(data, imageNetPrefix), rescan)
  if (sets !== undefined) return openSets(sets, data.slice(sets.length), rescan)
  if (image !== undefined || resize !== undefined || gray)
    throw new PreresnetError('ERR_OPTION', `--image, --resize and --gray are for folders, tars, Parquet and packed files, got --data ${data}`)
  if (rescan) throw new PreresnetError('ERR_OPTION', `--rescan is for folders, tars and Parquet files, got --data ${data}`)
  const archive = Object.entries(archives).find(([prefix]) => data.startsWith(prefix))
  if (archive === undefined) return digits()
  const [prefix, open] = archive
  return open(nonEmpty(data, prefix))
}

/** What `--data` names, as it is without any other flag. */
export function openImages(data: string): Promise<DataSplit> {
  return openData({ data, validate: undefined, validationShare: undefined, image: undefined, resize: undefined, gray: false, rescan: false })
}

/** What stands behind the prefix. */
function nonEmpty(data: string, prefix: string): string {
  const directory = data.slice(prefix.length)
  if (directory !== '') return directory
  throw new PreresnetError('ERR_OPTION', `--data: expected ${prefix}DIR, got ${prefix} without a directory`)
}

/** What to choose a checkpoint by. */
export function validationOf({ validation, test }: DataSplit): Dataset {
  return validation ?? test
}

/** What a network for these images takes: what --image and --gray say of files, or the size of its first image. */
export async function inputFor({ image, resize: side, gray }: DataValues, { train: { source } }: DataSplit): Promise<ImageShape> {
  if (source.kind === 'memory') return source.shape
  if (side !== undefined && image === undefined) throw new PreresnetError('ERR_OPTION', '--resize: expected --image with it, got none')
  const { height, width } = image === undefined ? await storedSize(source, 0) : { height: image, width: image }
  return { height, width, channels: gray ? 1 : 3 }
}

/** Steps for files; undefined: what is usual. Without --image every file has to have the size of the first. */
export function stepsFor({ image, resize: side }: Pick<DataValues, 'image' | 'resize'>): readonly PreparationStep[] | undefined {
  if (side !== undefined) return [resize(side), centerCrop()]
  return image === undefined ? [] : undefined
}

type TrainingValues = DataValues & RandomStepValues & Pick<HeaderReading, 'corrupt'>

/** Crops and mirrors as the paper; digits are not mirrored, and have a border of their own. `model`: how those of a model that is trained further were prepared. */
export async function preparationFor(values: TrainingValues, data: DataSplit, input: ImageShape, model?: Preparation): Promise<Preparation> {
  const said = model === undefined ? stepsFor(values) : model.evaluate
  const usual = said ?? (await usualSteps([data.train, validationOf(data)], input, defined({ corrupt: values.corrupt })))
  const evaluate = model === undefined ? withFilter(usual, values) : usual
  const written = values.data === 'digits'
  const train = trainingSteps(values, evaluate, { pad: written ? 2 : 4, flip: !written })
  return { ...model, train, evaluate }
}
