/** The memory cache: images as they stand before the first random step. */
import { checkOptions, withDefaults } from '../../options/check.js'
import { checkDataset } from '../check.js'
import type { Dataset } from '../dataset.js'
import { cacheOptions, type CacheOptions } from '../options.js'
import { cachedAs, checkSingleSize } from './cached.js'
import { sequenceFor } from './sequence.js'

/**
 * Decodes every file of a dataset once. Only what stands before the first random step is done; ERR_OPTION where the images have no single size there.
 * ERR_FILE and ERR_IMAGE name the file.
 */
export async function cacheInMemory(dataset: Dataset, options: CacheOptions): Promise<Dataset> {
  checkDataset('cacheInMemory', dataset)
  const { input, prepare, mode, workers, signal } = withDefaults(cacheOptions, checkOptions('cacheInMemory', cacheOptions, options))
  const sequence = sequenceFor('cacheInMemory: prepare', prepare, mode, input)
  await checkSingleSize('memory', dataset, sequence, input, signal)
  return cachedAs('memory', dataset, sequence, input, { workers, signal })
}
