/** Labelled images that a loader can read. Nothing is decoded or copied until a loader asks. */
export interface Dataset {
  /** For people and manifests: `digits/train`, `cifar10/test`, a path. */
  readonly name: string
  readonly length: number
  readonly classes: readonly string[]
  /** Of one image as the loader delivers it. */
  readonly shape: { readonly height: number; readonly width: number; readonly channels: number }
  readonly labels: Int32Array
  readonly source: MemorySource | FileSource
  /** Per channel, of values in 0..1: of the training set, carried by the test set too. */
  readonly normalisation: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
  /** SHA-256 over images (or paths and sizes) and labels. */
  readonly fingerprint: string
}
export interface MemorySource {
  readonly kind: 'memory'
  /** NHWC, in the order of labels. */
  readonly images: Uint8Array
  /** Of the files that they were decoded from, as `FileSource.resize`; absent: they come from no files, or it is not known. */
  readonly resize?: number
}
export interface FileSource {
  readonly kind: 'files'
  readonly paths: readonly string[]
  /** Shorter side after resizing, before the centre of `shape` is cut out; 0: every file has exactly that shape. See preparation.ts. */
  readonly resize: number
}
export interface DataSplit {
  readonly train: Dataset
  readonly test: Dataset
}
