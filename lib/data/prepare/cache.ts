/** The memory cache: images as they stand before the first random step. */
import { abortSignal } from '../../abort.js'
import { runOptions } from '../../options/table.js'
import { knownKeys, oneOf } from '../../options/values.js'
import { checkDataset, readInput } from '../check.js'
import type { Dataset, ImageShape } from '../dataset.js'
import { cachedAs, checkSingleSize } from './cached.js'
import { readPreparation, type Preparation } from './preparation.js'
import { sequenceFor } from './sequence.js'

export interface CacheOptions {
  /** The network's input. */
  readonly input: ImageShape
  /** @default files that have the size of the input */
  readonly prepare?: Preparation
  /** Whose steps are done. @default 'train' */
  readonly mode?: 'train' | 'evaluate'
  /** Threads that decode. @default 2 */
  readonly workers?: number
  /** Ends the decoding with ERR_ABORTED. */
  readonly signal?: AbortSignal
}

/**
 * Decodes every file of a dataset once. Only what stands before the first random step is done; ERR_OPTION where the images have no single size there.
 * ERR_FILE and ERR_IMAGE name the file.
 */
export async function cacheInMemory(dataset: Dataset, options: CacheOptions): Promise<Dataset> {
  checkDataset('cacheInMemory', dataset)
  knownKeys('cacheInMemory', options, ['input', 'prepare', 'mode', 'workers', 'signal'])
  const input = readInput('cacheInMemory: input', options.input)
  const prepare = readPreparation('cacheInMemory: prepare', options.prepare ?? {})
  const mode = oneOf('cacheInMemory: mode', options.mode ?? 'train', ['train', 'evaluate'] as const)
  const workers = runOptions.workers.read('cacheInMemory: workers', options.workers ?? 2)
  const signal = abortSignal('cacheInMemory: signal', options.signal)
  const sequence = sequenceFor('cacheInMemory: prepare', prepare, mode, input)
  await checkSingleSize('memory', dataset, sequence, input, signal)
  return cachedAs('memory', dataset, sequence, input, { workers, signal })
}
