/** Ten crops of each image, one behind the other. */
import { PreresnetError } from '../errors.js'
import { samplesOf, type Dataset, type ImageShape } from './dataset.js'
import { Pass, type PassBatch } from './pass.js'
import type { Reading } from './reading.js'
import { sequenceOf } from './prepare/sequence.js'
import { stepsText, type PreparationStep } from './prepare/steps.js'

export interface TenCropOptions extends Reading {
  readonly batch: number
  readonly input: ImageShape
  /** Whose `centerCrop()` becomes ten crops. */
  readonly steps: readonly PreparationStep[]
}

/** Crop `i` of image `n` is the one at `10 * n + i`. ERR_OPTION where nothing is cut out. */
export async function* tenCrops(
  { name, source, labels, length }: Dataset,
  { input, steps, ...reading }: TenCropOptions,
): AsyncGenerator<PassBatch, void, void> {
  if (source.kind === 'memory' || !steps.some(({ kind }) => kind === 'centerCrop')) {
    throw new PreresnetError(
      'ERR_OPTION',
      `evaluate: crops: ${name}: ten crops are cut out of images in files, by steps with centerCrop(); got ` +
        (source.kind === 'memory' ? 'images in memory' : `${stepsText(steps)} (on the command line: --resize)`),
    )
  }
  const imageOf = Int32Array.from({ length: length * 10 }, (_, index) => Math.floor(index / 10))
  const cropLabels = imageOf.map((image) => labels[image]!)
  const { decode } = sequenceOf('evaluate: prepare', steps, 'evaluate', input)
  await using pass = new Pass(samplesOf(source, imageOf), cropLabels, { ...reading, shape: input, decode: { ...decode, crop: 'ten' } })
  yield* pass.batches()
}
