/** Ten crops of each image, one behind the other, on the threads of a loader. */
import { PreresnetError } from '../errors.js'
import { loadBinding } from '../native/load.js'
import { samplesOf, type Dataset, type ImageShape } from './dataset.js'
import { nativeSource } from './native_source.js'
import type { Reading } from './reading.js'
import { sequenceOf } from './prepare/sequence.js'
import { stepsText, type PreparationStep } from './prepare/steps.js'

export interface TenCropOptions extends Reading {
  readonly batch: number
  readonly input: ImageShape
  /** Whose `centerCrop()` becomes ten crops. */
  readonly steps: readonly PreparationStep[]
}

/** Crops of images. */
interface CropBatch {
  /** Of a whole batch, [crop][row][column][channel]. */
  readonly images: Uint8Array
  /** Of their images; -1 where they could not be decoded. */
  readonly labels: Int32Array
  readonly count: number
}

/** Crop `i` of image `n` is the one at `10 * n + i`. ERR_OPTION where nothing is cut out. */
export async function* tenCrops(
  { name, source, labels, length }: Dataset,
  { batch, input, steps, workers, corrupt = 'error' }: TenCropOptions,
): AsyncGenerator<CropBatch, void, void> {
  if (source.kind === 'memory' || !steps.some(({ kind }) => kind === 'centerCrop')) {
    throw new PreresnetError(
      'ERR_OPTION',
      `evaluate: crops: ${name}: ten crops are cut out of images in files, by steps with centerCrop(); got ` +
        (source.kind === 'memory' ? 'images in memory' : stepsText(steps)),
    )
  }
  const count = length * 10
  const imageOf = Int32Array.from({ length: count }, (_, index) => Math.floor(index / 10))
  const { decode } = sequenceOf('evaluate: prepare', steps, 'evaluate', input)
  const loader = loadBinding().createLoader({
    source: nativeSource(
      samplesOf(source, imageOf),
      imageOf.map((image) => labels[image]!),
    ),
    decode: { ...decode, crop: 'ten' },
    ...input,
    batch,
    mode: 'evaluate',
    seed: 0,
    pad: 0,
    flip: false,
    workers,
    slots: 4,
    skipCorrupt: corrupt === 'skip',
  })
  try {
    for (let index = 0; index * batch < count; index++) {
      const held = await loader.acquire(index)
      if (held === null) throw new PreresnetError('ERR_INTERNAL', `expected batch ${index} of the crops, got the end`)
      try {
        yield { images: held.images, labels: held.labels, count: Math.min(batch, count - index * batch) }
      } finally {
        loader.release(held.ticket)
      }
    }
  } finally {
    await loader.close()
  }
}
