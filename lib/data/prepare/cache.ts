/** The memory cache: images as they stand before the first random step. */
import { checkOptions, withDefaults } from '../../options/check.js'
import { checkDataset } from '../check.js'
import type { Dataset } from '../dataset.js'
import { cacheOptions, type CacheOptions } from '../options.js'
import { cachedAs, checkSingleSize } from './cached.js'
import { sequenceFor } from './sequence.js'

/**
 * Decodes every file of a dataset once. Only what stands before the first random step is done.
 * @param dataset - Images that are in files.
 * @param options - The network's input, and how images become it.
 * @throws ERR_OPTION where the images have no single size before the first random step.
 * @throws ERR_FILE where an image cannot be read; the message names it.
 * @throws ERR_IMAGE where one cannot be decoded, and `corrupt` is 'error'.
 * @throws ERR_ABORTED where `signal` ended it.
 * @throws ERR_BINDING where the native addon is missing.
 */
export async function cacheInMemory(dataset: Dataset, options: CacheOptions): Promise<Dataset> {
  checkDataset('cacheInMemory', dataset)
  const { input, prepare, mode, ...reading } = withDefaults(cacheOptions, checkOptions('cacheInMemory', cacheOptions, options))
  const sequence = sequenceFor('cacheInMemory: prepare', prepare, mode, input)
  await checkSingleSize('memory', dataset, sequence, input, reading)
  return cachedAs('memory', dataset, sequence, input, reading)
}
