/** Files decoded into memory, where that is wanted and can be. */
import { PreresnetError } from '../../errors.js'
import type { Dataset, ImageShape, RangeSource } from '../dataset.js'
import { decodeAll } from '../decode_all.js'
import { sampleOfOtherSize } from '../image_sizes.js'
import type { Reading } from './normalization.js'
import type { CacheChoice } from './preparation.js'
import type { Sequence } from './sequence.js'
import { stepsText } from './steps.js'

const cacheLimit = 2 ** 30

/** Whether `choice` means memory for these files. */
export function keptInMemory(choice: CacheChoice, { length, source }: Dataset, { height, width, channels }: ImageShape): boolean {
  return source.kind === 'ranges' && (choice === 'memory' || (choice === 'auto' && length * height * width * channels <= cacheLimit))
}

/** As `choice` says for this dataset. */
export async function cachedAs(choice: CacheChoice, dataset: Dataset, sequence: Sequence, input: ImageShape, reading: Reading): Promise<Dataset> {
  const { source } = dataset
  if (source.kind === 'memory' || !keptInMemory(choice, dataset, input)) return dataset
  // Without a crop images keep their own sizes. Under 'auto' the first that has another one is named when it is decoded.
  if (choice === 'memory' && sequence.decode.exact) await checkSingleSize(dataset.name, source, sequence, input, reading.signal)
  const images = await decodeAll(source, { shape: input, decode: sequence.decode, ...reading })
  return { ...dataset, source: { kind: 'memory', images, shape: input, prepared: sequence.fixed } }
}

async function checkSingleSize(name: string, source: RangeSource, { fixed }: Sequence, input: ImageShape, signal: AbortSignal | undefined): Promise<void> {
  const other = await sampleOfOtherSize(source, input, signal)
  if (other === undefined) return
  const path = source.files[source.file[other.sample]!]!
  throw new PreresnetError(
    'ERR_OPTION',
    `${name}: only images of a single size can be kept in memory, and before the first random step (${stepsText(fixed)}) these have several: ` +
      `expected ${input.height} x ${input.width}, the network's input, got ${other.height} x ${other.width} (height x width) of ${path}; ` +
      'put resize(n), centerCrop() in front, or leave them files',
  )
}
