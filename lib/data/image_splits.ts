/** A folder of images as sets to train, validate and test with. */
import { createHash } from 'node:crypto'
import { join, relative } from 'node:path'
import { PreresnetError } from '../errors.js'
import { checkOptions, pick } from '../options/check.js'
import type { Given } from '../options/spec.js'
import { fields } from '../options/values.js'
import { subfolders } from './class_folders.js'
import type { Dataset, DataSplit, RangeSource, SourceOptions } from './dataset.js'
import { subset } from './derive.js'
import { checked } from './image_folder.js'
import { openFolder } from './open_folder.js'
import { splitOptions } from './options.js'
import { pathsOf } from './path_list.js'
import { warn } from './warn.js'

/** The options of `imageFolderSplits` are these. */
export interface ImageFolderSplitsOptions extends SourceOptions, Given<typeof splitOptions> {}

const validationNames = ['valid', 'val', 'validation']

/** Folders that can be sets of images. */
export const setNames: readonly string[] = ['train', ...validationNames, 'test']

/**
 * Reads `directory`/train and the folders beside it as `imageFolder` does: one of valid, val and validation, or test, or both. All have the classes of the training
 * set. Where both are there, `validation` is what to validate with, and `test` is for the end; else the one is `test`. With `validationShare` the folder
 * may also be one of class folders, or have train alone. A process warning (PRERESNET_DATASET) names each folder beside train that is not read.
 * @param directory - The folder that has them.
 * @param options - The folder or the share to validate with, names of the classes, and a signal.
 * @throws ERR_FILE where a folder cannot be read; the message has the path.
 * @throws ERR_DATASET where the folders are not there, a class has no image, or the classes differ.
 * @throws ERR_OPTION where an option is unknown or has a wrong value.
 * @throws ERR_ABORTED where `signal` ended it.
 */
export async function imageFolderSplits(directory: string, options: ImageFolderSplitsOptions = {}): Promise<DataSplit> {
  const { validate: _validate, validationShare: _share, ...source } = fields(options) as ImageFolderSplitsOptions
  const given = checked(directory, source)
  const { validate, validationShare: share } = checkOptions('imageFolderSplits', splitOptions, pick(splitOptions, fields(options)))
  const folders = await subfolders(directory)
  const read = async (name: string, train?: Dataset): Promise<Dataset> => {
    const path = join(directory, name)
    return openFolder(path, { ...given, ...(train && { classes: train.classes }) })
  }
  if (share !== undefined && !folders.includes('train')) return shared(await read('.'), directory, share)
  const { validation, test } = chosen(directory, folders, validate, share)
  tellUnread(
    directory,
    folders.filter((name) => !['train', validation, test].includes(name)),
  )
  const train = await read('train')
  const rest = test === undefined ? undefined : await read(test, train)
  if (share !== undefined) {
    const parts = shared(train, join(directory, 'train'), share)
    return rest === undefined ? parts : { train: parts.train, validation: parts.test, test: rest }
  }
  const other = validation === undefined ? undefined : await read(validation, train)
  return rest === undefined ? { train, test: other! } : { train, ...(other && { validation: other }), test: rest }
}

interface Chosen {
  readonly validation: string | undefined
  readonly test: string | undefined
}

/** Which folders beside train are read, and for what. */
function chosen(directory: string, folders: readonly string[], validate: string | undefined, share: number | undefined): Chosen {
  const got = folders.slice(0, 10).join(', ') || 'no folder'
  const fail = (expected: string): PreresnetError => new PreresnetError('ERR_DATASET', `${directory}: expected ${expected}, got ${got}`)
  const test = folders.includes('test') ? 'test' : undefined
  const validations = validationNames.filter((name) => folders.includes(name))
  if (validate !== undefined) {
    if (share !== undefined) throw new PreresnetError('ERR_OPTION', 'imageFolderSplits: expected either validate or validationShare, got both')
    if (!folders.includes('train') || !folders.includes(validate) || validate === 'train')
      throw fail(`the folders train and ${validate}, which is to validate with (--validate, in code validate)`)
    return validate === 'test' ? { validation: undefined, test } : { validation: validate, test }
  }
  if (!folders.includes('train'))
    throw fail('the folders train and one of test, valid, val and validation, or --validation-share (in code validationShare) for a folder of classes')
  if (validations.length > 1) throw fail('one of the folders valid, val and validation, or --validate (in code validate) that says which')
  const [validation] = validations
  if (share !== undefined) {
    if (validation !== undefined) throw fail(`no folder ${validation}, as a share of the training images is to validate with`)
    return { validation: undefined, test }
  }
  if (validation === undefined && test === undefined)
    throw fail('the folders train and one of test, valid, val and validation, or --validation-share (in code validationShare)')
  return { validation, test }
}

/** Training images as two sets, in their order. */
function shared(all: Dataset, directory: string, share: number): DataSplit {
  const { files } = all.source as RangeSource
  const isValidation = pathsOf(files).map((path) => fractionOf(relative(directory, path)) < share)
  const part = (which: boolean, name: string): Dataset => {
    const indices = isValidation.flatMap((is, index) => (is === which ? [index] : []))
    if (indices.length === 0)
      throw new PreresnetError('ERR_DATASET', `${directory}: of ${files.length} images, none is in the ${name} part at a share of ${share} to validate with`)
    return subset(all, indices, `${all.name} (${name})`)
  }
  const split = { train: part(false, 'training'), test: part(true, 'validation') }
  const missing = all.classes.filter((_, label) => !split.train.labels.includes(label))
  if (missing.length > 0)
    throw new PreresnetError(
      'ERR_DATASET',
      `${directory}: no image is left to train on of ${missing.slice(0, 5).join(', ')} at a share of ${share} to validate with`,
    )
  return split
}

/** From 0 to 1, evenly over all paths. */
function fractionOf(path: string): number {
  return createHash('sha256').update(path.normalize()).digest().readUIntBE(0, 6) / 2 ** 48
}

function tellUnread(directory: string, names: readonly string[]): void {
  if (names.length === 0) return
  const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' ...' : ''}`
  warn(`${directory}: not read: ${shown} (${names.length} of the folders beside train)`)
}
