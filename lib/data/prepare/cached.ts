/** Files decoded into memory, where that is wanted and can be. */
import { PreresnetError } from '../../errors.js'
import { sampleName, type Dataset, type ImageShape } from '../dataset.js'
import { decodeAll } from '../decode_all.js'
import { sampleOfOtherSize } from '../image_sizes.js'
import type { HeaderReading, Reading } from '../reading.js'
import type { CacheChoice } from './preparation.js'
import type { Sequence } from './sequence.js'
import { stepsText } from './steps.js'

const cacheLimit = 2 ** 30

/** Whether `choice` means memory for these files. */
export function keptInMemory(choice: CacheChoice, { length, source }: Dataset, { height, width, channels }: ImageShape): boolean {
  return source.kind !== 'memory' && (choice === 'memory' || (choice === 'auto' && length * height * width * channels <= cacheLimit))
}

/** As `choice` says for this dataset, whose images have a single size before the first random step: see `checkSingleSize`. */
export async function cachedAs(choice: CacheChoice, dataset: Dataset, sequence: Sequence, input: ImageShape, reading: Reading): Promise<Dataset> {
  const { name, source } = dataset
  if (source.kind === 'memory' || !keptInMemory(choice, dataset, input)) return dataset
  if (sequence.drawn) {
    if (choice === 'auto') return dataset
    throw new PreresnetError(
      'ERR_OPTION',
      `${name}: images cannot be kept in memory where each epoch draws another part of the stored image (randomResizedCrop(), or a resize with randomCrop()); ` +
        "use cache: 'files' (--cache files)",
    )
  }
  const { images, corrupt } = await decodeAll(source, { shape: input, decode: sequence.decode, ...reading })
  const left = corrupt.length > 0 && { corrupt }
  return { ...dataset, source: { kind: 'memory', images, shape: input, prepared: sequence.fixed, ...left } }
}

/** Headers alone are read, and only where no crop gives images the input's size. ERR_OPTION names the first that has another one, and says what to do. */
export async function checkSingleSize(
  choice: CacheChoice,
  { name, source, fingerprint }: Dataset,
  { fixed, decode }: Sequence,
  input: ImageShape,
  reading: HeaderReading,
): Promise<void> {
  if (source.kind === 'memory' || !decode.exact) return
  const other = await sampleOfOtherSize({ source, fingerprint }, input, reading)
  if (other === undefined) return
  const can = choice === 'memory' ? 'be kept in memory' : 'make a batch'
  throw new PreresnetError(
    'ERR_OPTION',
    `${name}: only images of a single size can ${can}, and before the first random step (${stepsText(fixed)}) these have several: ` +
      `expected ${input.height} x ${input.width}, the network's input, got ${other.height} x ${other.width} (height x width) of ${sampleName(source, other.sample)}; ` +
      'put resize(n), centerCrop() in front (on the command line: --image)',
  )
}
