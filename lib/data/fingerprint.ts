import { createHash, type Hash } from 'node:crypto'
import type { Dataset } from './dataset.js'
import { inSlices, sliceBytes } from './slices.js'

type Shape = Dataset['shape']

/** SHA-256 over shape, pixels and labels. */
export async function imagesFingerprint(images: Uint8Array, labels: Int32Array, shape: Shape): Promise<string> {
  const hash = begin('images', shape)
  await inSlices(images.length, sliceBytes, (first, last) => hash.update(images.subarray(first, last)))
  return finish(hash, labels)
}

/** SHA-256 over shape, resizing, and the name (in its dataset) and size of every file, and the labels. */
export async function filesFingerprint(
  files: readonly { readonly name: string; readonly bytes: number }[],
  labels: Int32Array,
  shape: Shape,
  resize: number,
): Promise<string> {
  const hash = begin(`files ${resize}`, shape)
  await inSlices(files.length, 4096, (first, last) => {
    for (const { name, bytes } of files.slice(first, last)) hash.update(`${name}\0${bytes}\0`)
  })
  return finish(hash, labels)
}

/** Of a dataset that was made from another one, in a way that `change` says in full. */
export function derivedFingerprint(dataset: Dataset, change: string | Int32Array): string {
  const hash = createHash('sha256').update(`derived\0${dataset.fingerprint}\0`)
  return hash.update(typeof change === 'string' ? change : bytesOf(change)).digest('hex')
}

function begin(kind: string, { height, width, channels }: Shape): Hash {
  return createHash('sha256').update(`${kind}\0${height} ${width} ${channels}\0`)
}

function finish(hash: Hash, labels: Int32Array): string {
  return hash.update(bytesOf(labels)).digest('hex')
}

/** Little-endian, as every machine is that preresnet runs on. */
function bytesOf(labels: Int32Array): Uint8Array {
  return new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength)
}
