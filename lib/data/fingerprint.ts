import { createHash, type Hash } from 'node:crypto'
import { bytesOfName } from '../name_bytes.js'
import type { Dataset, ImageShape } from './dataset.js'
import { inSlices, sliceBytes } from './slices.js'

/** SHA-256 over shape, pixels and labels. */
export async function imagesFingerprint(images: Uint8Array, labels: Int32Array, { height, width, channels }: ImageShape): Promise<string> {
  const hash = createHash('sha256').update(`images\0${height} ${width} ${channels}\0`)
  await inSlices(images.length, sliceBytes, (first, last) => hash.update(images.subarray(first, last)))
  return labelsFingerprint(hash, labels)
}

/** SHA-256 over the name in its dataset and the size of every file, and the labels. `kind` begins the text. */
export async function filesFingerprint(names: readonly string[], sizes: Float64Array, labels: Int32Array, kind = 'files\0'): Promise<string> {
  const hash = createHash('sha256').update(kind)
  await inSlices(names.length, 4096, (first, last) => {
    for (let file = first; file < last; file++) hash.update(bytesOfName(names[file]!)).update(`\0${sizes[file]!}\0`)
  })
  return labelsFingerprint(hash, labels)
}

/** Of a dataset that was made from another one, in a way that `change` says in full. */
export function derivedFingerprint(fingerprint: string, change: string | Int32Array): string {
  const hash = createHash('sha256').update(`derived\0${fingerprint}\0`)
  return hash.update(typeof change === 'string' ? change : bytesOf(change)).digest('hex')
}

/** A dataset with these parts exchanged, as `change` says. Only files have to remember it, whose fingerprints had more in them in format 1. */
export function derivedFrom(from: Dataset, change: string | Int32Array, parts: Partial<Dataset>): Dataset {
  const { source } = from
  const derived = (source.kind === 'ranges' || (source.kind === 'memory' && source.prepared !== undefined)) && { derived: { from, change } }
  return { ...from, ...parts, fingerprint: derivedFingerprint(from.fingerprint, change), ...derived }
}

/** The hash with the labels at its end. */
export function labelsFingerprint(hash: Hash, labels: Int32Array): string {
  return hash.update(bytesOf(labels)).digest('hex')
}

/** Little-endian, as every machine is that preresnet runs on. */
function bytesOf(labels: Int32Array): Uint8Array {
  return new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength)
}
