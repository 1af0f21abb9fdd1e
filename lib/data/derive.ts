/** Datasets made from other ones. */
import { PreresnetError } from '../errors.js'
import { fields, integer, invalid } from '../options.js'
import { checkDataset } from './check.js'
import type { Dataset } from './dataset.js'
import { derivedFingerprint } from './fingerprint.js'
import { shuffled } from './shuffle.js'

/**
 * The same images with their labels exchanged at random: nothing can be learned from them that holds for other images. A network that
 * still does well on a test set has seen it.
 */
export function shuffledLabels(dataset: Dataset, seed: number): Dataset {
  checkDataset('shuffledLabels', dataset)
  integer('shuffledLabels: seed', seed, 0)
  const labels = shuffled(dataset.length, `labels/${seed}`).map((index) => dataset.labels[index]!)
  return { ...dataset, name: `${dataset.name} (labels shuffled by ${seed})`, labels, fingerprint: derivedFingerprint(dataset, `labels ${seed}`) }
}

/** The images with these indices, in this order. Keeps the normalisation. Pixels in memory are copied. */
export function subset(dataset: Dataset, indices: Iterable<number>, name?: string): Dataset {
  checkDataset('subset', dataset)
  if (typeof fields(indices)[Symbol.iterator] !== 'function') throw invalid(`subset of ${dataset.name}`, 'indices, as an array', indices)
  const chosen = Int32Array.from([...indices].map((index) => integer(`subset of ${dataset.name}`, index, 0, dataset.length - 1)))
  if (chosen.length === 0) throw new PreresnetError('ERR_DATASET', `subset of ${dataset.name}: expected at least one index, got none`)
  const labels = chosen.map((index) => dataset.labels[index]!)
  return {
    ...dataset,
    name: name ?? `${dataset.name} (part)`,
    length: chosen.length,
    labels,
    source: sourceOf(dataset, chosen),
    fingerprint: derivedFingerprint(dataset, chosen),
  }
}

function sourceOf({ source, shape }: Dataset, chosen: Int32Array): Dataset['source'] {
  if (source.kind === 'files') return { ...source, paths: Array.from(chosen, (index) => source.paths[index]!) }
  const bytes = shape.height * shape.width * shape.channels
  const images = new Uint8Array(chosen.length * bytes)
  chosen.forEach((index, position) => images.set(source.images.subarray(index * bytes, (index + 1) * bytes), position * bytes))
  return { ...source, images }
}
