import type { PreparationStep } from './prepare/steps.js'

/** Labeled images that a loader can read: where their bytes and labels are. How they become a network's input, `Preparation` says. */
export interface Dataset {
  /** For people and manifests: `digits/train`, `cifar10/test`, a path. */
  readonly name: string
  readonly length: number
  readonly classes: readonly string[]
  readonly labels: Int32Array
  readonly source: MemorySource | RangeSource
  /** SHA-256 over pixels, or names and sizes of files, and labels. */
  readonly fingerprint: string
  /** Of files: what `subset` or `shuffledLabels` made this from. Its fingerprint follows from that one's. */
  readonly derived?: { readonly from: Dataset; readonly change: string | Int32Array }
}

export interface ImageShape {
  readonly height: number
  readonly width: number
  readonly channels: number
}

export interface MemorySource {
  readonly kind: 'memory'
  /** [image][row][column][channel], in the order of labels. They are taken as they are: nothing is resized or cropped any more. */
  readonly images: Uint8Array
  /** Of each image. */
  readonly shape: ImageShape
  /** The steps that made them from files, where `cacheInMemory` did. */
  readonly prepared?: readonly PreparationStep[]
}

/** Image files, whole or as parts of larger files: shards, packs. JPEG or PNG; nothing is decoded or copied until a loader asks. */
export interface RangeSource {
  readonly kind: 'ranges'
  readonly files: readonly string[]
  /** Of each sample: index in `files`, first byte, and number of bytes; -1: to the end of the file. */
  readonly file: Int32Array
  readonly offset: Float64Array
  readonly length: Float64Array
}

/** Of what reads a dataset. */
export interface SourceOptions {
  /** Names of the classes, as those of a training set: a set that lacks one has the same labels. @default those that are found */
  readonly classes?: readonly string[]
  /** Ends the reading with ERR_ABORTED. */
  readonly signal?: AbortSignal
}

export interface DataSplit {
  readonly train: Dataset
  readonly test: Dataset
}

/** Every file is one sample. */
export function wholeFiles(files: readonly string[]): RangeSource {
  const count = files.length
  return { kind: 'ranges', files, file: Int32Array.from(files.keys()), offset: new Float64Array(count), length: new Float64Array(count).fill(-1) }
}

/** The samples with these indices, in this order. Pixels in memory are copied. */
export function samplesOf(source: Dataset['source'], indices: Int32Array): Dataset['source'] {
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
  return { ...source, images }
}
