/** Fingerprints as checkpoints of format 1 have them: of images as they were prepared, with the size and the resizing of files in them. */
import { relative } from 'node:path'
import type { Dataset, ImageShape } from './dataset.js'
import { decodeAll } from './decode_all.js'
import { derivedFingerprint, filesFingerprint, imagesFingerprint } from './fingerprint.js'
import { fileStates } from './class_folders.js'
import { pathsOf } from './path_list.js'
import type { Reading } from './reading.js'

interface PreparationV1 {
  /** Of the network's input. */
  readonly shape: ImageShape
  /** Shorter side before the middle was cut out; 0: files had the size of the input. */
  readonly resize: number
  /** Whether files had been decoded into memory: then pixels were hashed, else names and sizes. */
  readonly inMemory: boolean
}

/** `inMemory` decodes all files of a folder. */
export async function fingerprintV1(dataset: Dataset, preparation: PreparationV1, reading: Reading): Promise<string> {
  const { derived, labels, source, name } = dataset
  if (derived !== undefined) return derivedFingerprint(await fingerprintV1(derived.from, preparation, reading), derived.change)
  if (source.kind === 'memory') return source.prepared === undefined ? dataset.fingerprint : imagesFingerprint(source.images, labels, source.shape)
  // These came later.
  if (source.kind === 'custom') return dataset.fingerprint
  const { shape, resize, inMemory } = preparation
  if (inMemory) {
    const decode = { resize, keepFitting: false, exact: resize === 0 }
    const { images } = await decodeAll(source, { shape, decode, ...reading })
    return imagesFingerprint(images, labels, shape)
  }
  const paths = pathsOf(source.files)
  const { bytes } = await fileStates(paths)
  const names = paths.map((path) => relative(name, path))
  return filesFingerprint(names, bytes, labels, `files ${resize}\0${shape.height} ${shape.width} ${shape.channels}\0`)
}
