/** `--data`: digits, cifar10:DIR, cifar100:DIR or a folder. */
import type { DataSplit } from '../data/dataset.js'
import { cifar10, cifar100, digits, imageFolders } from '../data/index.js'
import { PreresnetError } from '../errors.js'
import { flagOption, integerOption, stringOption, variant, type ValuesOf } from '../options/spec.js'
import { augmentOptions } from '../options/table.js'

export const dataOptions = {
  data: stringOption({ group: 'Data', help: 'digits, cifar10:DIR, cifar100:DIR, or a folder with train/CLASS/*.jpg and test/CLASS/*.jpg', metavar: 'what' }),
  image: integerOption({
    group: 'Data',
    help: 'folder: height and width cut out of the middle of an image',
    unit: 'pixels',
    minimum: 1,
    usual: 'all of it',
  }),
  resize: integerOption({
    group: 'Data',
    help: 'folder: shorter side to which images are resized before that',
    unit: 'pixels',
    minimum: 1,
    usual: '--image / 0.875, or not at all where every file has the size of --image',
  }),
  grey: flagOption({ group: 'Data', help: 'folder: one channel instead of three', fallback: false }),
}

export const augmentationOptions = {
  pad: variant(augmentOptions.pad, { fallback: undefined, usual: '2 for digits, else 4' }),
  flip: variant(augmentOptions.flip, { fallback: undefined, help: 'mirror half of the images, or not (default: not for digits)' }),
}

type DataValues = ValuesOf<typeof dataOptions>

const archives = { 'cifar10:': cifar10, 'cifar100:': cifar100 } as const

export async function openData({ data, image, resize, grey }: DataValues): Promise<DataSplit> {
  if (data === undefined) throw new PreresnetError('ERR_OPTION', 'expected --data (digits, cifar10:DIR, cifar100:DIR or a folder), got none')
  const archive = Object.entries(archives).find(([prefix]) => data.startsWith(prefix))
  if (data !== 'digits' && archive === undefined) {
    const size = image !== undefined && { height: image, width: image }
    return imageFolders(data, { channels: grey ? 1 : 3, ...size, ...(resize !== undefined && { resize }) })
  }
  if (image !== undefined || resize !== undefined || grey)
    throw new PreresnetError('ERR_OPTION', `--image, --resize and --grey are for folders, got --data ${data}`)
  if (archive === undefined) return digits()
  const [prefix, open] = archive
  const directory = data.slice(prefix.length)
  if (directory === '') throw new PreresnetError('ERR_OPTION', `--data: expected ${prefix}DIR, got ${prefix} without a directory`)
  return open(directory)
}

/** Crops and mirrors as the paper; digits are not mirrored, and have a border of their own. */
export function augmentationFor(values: ValuesOf<typeof augmentationOptions> & Pick<DataValues, 'data'>): {
  pad: number
  flip: boolean
} {
  const written = values.data === 'digits'
  return { pad: values.pad ?? (written ? 2 : 4), flip: values.flip ?? !written }
}
