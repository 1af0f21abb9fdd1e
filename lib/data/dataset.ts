import { loadBinding } from '../native/load.js'
import type { Given } from '../options/spec.js'
import type { PathList } from './path_list.js'
import type { PreparationStep } from './prepare/steps.js'
import type { sourceOptions } from './source_options.js'

/** Labeled images that a loader can read: it says where their bytes and labels are. How they become a network's input, `Preparation` says. */
export interface Dataset {
  /** People and manifests call it by this name: `digits/train`, `cifar10/test`, a path. */
  readonly name: string
  /** The number of samples is at least 1. */
  readonly length: number
  /** The names of the classes stand in the order of the labels. */
  readonly classes: readonly string[]
  /** The class of each sample [samples] is from 0 to classes - 1. */
  readonly labels: Int32Array
  /** The bytes of the images are here, in memory, in files, or wherever a function has them from. */
  readonly source: MemorySource | RangeSource | CustomSource
  /** This is the SHA-256 over pixels, or names and sizes of files, and labels, in hexadecimal. */
  readonly fingerprint: string
  /**
   * What `subset` or `shuffledLabels` made this from; its fingerprint follows from that one's. It is absent where the images are in memory or come from no
   * other dataset.
   */
  readonly derived?: { readonly from: Dataset; readonly change: string | Int32Array }
}

/** The size of an image is said by three numbers. */
export interface ImageShape {
  /** The number of rows is at least 1, in pixels. */
  readonly height: number
  /** The number of columns is at least 1, in pixels. */
  readonly width: number
  /** The number of channels is at least 1: 3 for color, 1 for gray. */
  readonly channels: number
}

/** Images that are in memory are taken as they are: nothing is resized or cropped any more. */
export interface MemorySource {
  readonly kind: 'memory'
  /** Pixels are bytes [image][row][column][channel], in the order of labels. */
  readonly images: Uint8Array
  /** Each image has this size. */
  readonly shape: ImageShape
  /** The steps that made them from files are here where `cacheInMemory` did; else it is absent. */
  readonly prepared?: readonly PreparationStep[]
  /** The images that could not be decoded then, which are zeros, are named here in the order of their numbers; where there are none it is absent. */
  readonly corrupt?: readonly CorruptImage[]
}

/** An image that could not be decoded is named by its number, with the reason. */
export interface CorruptImage {
  /** The number of the image in the dataset is from 0 to length - 1. */
  readonly sample: number
  /** The reason begins with the path of the file, and the byte where the image begins in it. */
  readonly reason: string
}

/** Image files are whole or parts of larger files: shards, packs. They are JPEG, PNG or WebP; nothing is decoded or copied until a loader asks. */
export interface RangeSource {
  readonly kind: 'ranges'
  /** The files have these paths. */
  readonly files: PathList
  /** Each file was this when it was listed; a loader that finds another one throws ERR_FILE. Absent: whatever the files are is read. */
  readonly listed?: ListedFiles
  /** The file of each sample [samples] is an index in `files`. */
  readonly file: Int32Array
  /** The first byte of each sample [samples] in its file is at least 0. */
  readonly offset: Float64Array
  /** The number of bytes of each sample [samples]; -1 is to the end of the file. */
  readonly length: Float64Array
}

/** Files are compared with what they were when they were listed. */
export interface ListedFiles {
  /** The size of each file [files] is at least 0, in bytes. */
  readonly bytes: Float64Array
  /** Each file [files] was last written at this time, in milliseconds since 1970; 0 says that it is not known. */
  readonly modified: Float64Array
  /** Whether nothing that was remembered of them is to be believed. @default false */
  readonly rescanned?: boolean
}

/** Image files, or pixels of one size, that a function gives: see `customDataset`. */
export interface CustomSource {
  readonly kind: 'custom'
  /** Errors call the dataset by this name. */
  readonly name: string
  /** The function gives the bytes of a sample. */
  readonly read: ReadSample
  /** The function is asked for this index for each sample [samples]. */
  readonly index: Int32Array
  /** Pixels have this size; it is absent where the function gives image files. */
  readonly pixels?: ImageShape
  /** Where the samples lie that the function reads, by what it is asked for; errors name that. Absent where only the function knows. */
  readonly addresses?: Pick<RangeSource, 'files' | 'file' | 'offset'>
  /** The number of reads that may be under way at once is at least 1. */
  readonly reads: number
  /** A read may take this long: above 0, in seconds. */
  readonly timeout: number
}

/**
 * Gives the bytes of sample `index`: a JPEG, PNG or WebP file, or pixels [row][column][channel]. They are copied at once. It must give the same whenever it is asked.
 * `signal` is aborted where nobody wants them any more: the loader was closed, or the time was up.
 */
export type ReadSample = (index: number, signal: AbortSignal) => Uint8Array | Promise<Uint8Array>

/** What loaders decode: all but pixels in memory. */
export type FileSource = RangeSource | CustomSource

/** The options of what reads a dataset are these. */
export interface SourceOptions extends Given<typeof sourceOptions> {
  /** Names of the classes, as those of a training set: a set that lacks one has the same labels. @default those that are found */
  readonly classes?: readonly string[]
  /** This signal ends the reading with ERR_ABORTED. @default undefined */
  readonly signal?: AbortSignal
}

/** A dataset to train on comes with one to test on, of the same classes. */
export interface DataSplit {
  /** The network is trained on these images. */
  readonly train: Dataset
  /** The network is evaluated on these images, which it does not see in training. */
  readonly test: Dataset
  /** The best checkpoint is chosen by these images, where a folder has a set of its own for that. @default undefined */
  readonly validation?: Dataset
}

/** Every file is one sample. */
export function wholeFiles(files: PathList): RangeSource {
  const count = files.length
  const file = Int32Array.from({ length: count }, (_, index) => index)
  return { kind: 'ranges', files, file, offset: new Float64Array(count), length: new Float64Array(count).fill(-1) }
}

export function sampleCount(source: FileSource): number {
  return (source.kind === 'ranges' ? source.file : source.index).length
}

/** Of pixels, which all have the same; undefined for image files. */
export function shapeOf(source: Dataset['source']): ImageShape | undefined {
  if (source.kind === 'memory') return source.shape
  return source.kind === 'custom' ? source.pixels : undefined
}

/** Where it is. */
export function sampleAddress(source: FileSource, sample: number): string {
  const addresses = source.kind === 'custom' ? source.addresses : source
  const index = source.kind === 'custom' ? source.index[sample]! : sample
  if (addresses === undefined) return `${(source as CustomSource).name}: sample ${index}`
  const path = addresses.files.at(addresses.file[index]!)!
  const first = addresses.offset[index]!
  return first === 0 ? path : `${path} at byte ${first}`
}

/** As errors call it: with its name in a tar, for which the tar is read. Native workers name it alike. */
export function sampleName(source: FileSource, sample: number): string {
  const place = sampleAddress(source, sample)
  if (source.kind === 'custom' || source.offset[sample] === 0) return place
  const range = { path: source.files.at(source.file[sample]!)!, offset: source.offset[sample]!, length: source.length[sample]! }
  const member = loadBinding().tarMember(range)
  return member === '' ? place : `${place}: ${member}`
}

/** The samples with these indices, in this order. Pixels in memory are copied. */
export function samplesOf(source: FileSource, indices: Int32Array): FileSource
export function samplesOf(source: Dataset['source'], indices: Int32Array): Dataset['source']
export function samplesOf(source: Dataset['source'], indices: Int32Array): Dataset['source'] {
  if (source.kind === 'custom') return { ...source, index: indices.map((index) => source.index[index]!) }
  if (source.kind === 'ranges') {
    const { file, offset, length } = source
    const chosen = Float64Array.from(indices)
    return {
      ...source,
      file: indices.map((index) => file[index]!),
      offset: chosen.map((index) => offset[index]!),
      length: chosen.map((index) => length[index]!),
    }
  }
  const { height, width, channels } = source.shape
  const bytes = height * width * channels
  const images = new Uint8Array(indices.length * bytes)
  indices.forEach((index, position) => images.set(source.images.subarray(index * bytes, (index + 1) * bytes), position * bytes))
  return { ...source, images, ...(source.corrupt && { corrupt: corruptOf(source.corrupt, indices) }) }
}

/** By their new numbers. */
function corruptOf(corrupt: readonly CorruptImage[], indices: Int32Array): readonly CorruptImage[] {
  const reasons = new Map(corrupt.map(({ sample, reason }) => [sample, reason]))
  return [...indices].flatMap((index, sample) => (reasons.has(index) ? [{ sample, reason: reasons.get(index)! }] : []))
}
