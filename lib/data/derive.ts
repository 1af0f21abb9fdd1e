/** Datasets made from other ones. */
import { PreresnetError } from '../errors.js'
import { fields, integer, invalid } from '../options/values.js'
import { checkDataset } from './check.js'
import { samplesOf, type Dataset } from './dataset.js'
import { derivedFrom } from './fingerprint.js'
import { shuffled } from './shuffle.js'

/**
 * Gives the same images with their labels exchanged at random: nothing can be learned from them that holds for other images. A network that still does well on
 * a test set has seen it.
 * @param dataset - What is copied.
 * @param seed - The seed of the exchange is an integer of at least 0.
 * @throws ERR_OPTION where the dataset is none or the seed is out of range.
 */
export function shuffledLabels(dataset: Dataset, seed: number): Dataset {
  checkDataset('shuffledLabels', dataset)
  integer('shuffledLabels: seed', seed, 0)
  const labels = shuffled(dataset.length, `labels/${seed}`).map((index) => dataset.labels[index]!)
  return derivedFrom(dataset, `labels ${seed}`, { name: `${dataset.name} (labels shuffled by ${seed})`, labels })
}

/**
 * Takes the images with these indices, in this order. Pixels in memory are copied.
 * @param dataset - What is taken from.
 * @param indices - The indices of the images [samples], from 0 to length - 1 each; one may come twice.
 * @param name - The name of the new dataset; without it, the old one's with "(part)".
 * @throws ERR_OPTION where an index is out of range.
 * @throws ERR_DATASET where there is no index.
 */
export function subset(dataset: Dataset, indices: Iterable<number>, name?: string): Dataset {
  checkDataset('subset', dataset)
  if (typeof fields(indices)[Symbol.iterator] !== 'function') throw invalid(`subset of ${dataset.name}`, 'indices, as an array', indices)
  const chosen = Int32Array.from([...indices].map((index) => integer(`subset of ${dataset.name}`, index, 0, dataset.length - 1)))
  if (chosen.length === 0) throw new PreresnetError('ERR_DATASET', `subset of ${dataset.name}: expected at least one index, got none`)
  return derivedFrom(dataset, chosen, {
    name: name ?? `${dataset.name} (part)`,
    length: chosen.length,
    labels: chosen.map((index) => dataset.labels[index]!),
    source: samplesOf(dataset.source, chosen),
  })
}
