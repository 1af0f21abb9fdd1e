/** Weights of classes by how many images they have. */
import { PreresnetError } from '../errors.js'
import type { Dataset } from './dataset.js'

/** Images / (classes x images of the class): all classes weigh the same, and the mean image 1. ERR_DATASET where a class has none. */
export function balancedWeights({ name, labels, classes }: Pick<Dataset, 'name' | 'labels' | 'classes'>): readonly number[] {
  const counts = new Array<number>(classes.length).fill(0)
  const counted = labels.filter((label) => label >= 0)
  for (const label of counted) counts[label]!++
  const none = counts.indexOf(0)
  if (none >= 0)
    throw new PreresnetError('ERR_DATASET', `classWeights 'balanced': ${name}: expected images of every class, got none of ${JSON.stringify(classes[none])}`)
  return counts.map((count) => counted.length / (counts.length * count))
}
