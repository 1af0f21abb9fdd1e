/** `--class-weights`: numbers, or by how many images each class has. */
import type { Dataset } from '../data/dataset.js'
import { PreresnetError } from '../errors.js'
import type { Option } from '../options/spec.js'
import { trainingOptions } from '../options/table.js'

const { classWeights } = trainingOptions

type Weights = readonly number[] | 'balanced'

/** With a word for what the training images say. */
export const classWeightsOption: Option<Weights, readonly number[], false, true> = {
  ...classWeights,
  help: `${classWeights.help}; balanced: images / (classes x images of the class)`,
  accepts: `"balanced" or ${classWeights.accepts}`,
  flag: { metavar: 'balanced|weight,...', parse: (text) => (text === 'balanced' ? text : classWeights.flag!.parse(text)) },
  read: (where, value) => (value === 'balanced' ? value : classWeights.read(where, value)),
}

export function weightsFor(weights: Weights, { name, labels, classes }: Pick<Dataset, 'name' | 'labels' | 'classes'>): readonly number[] {
  if (weights !== 'balanced') return weights
  const counts = new Array<number>(classes.length).fill(0)
  let images = 0
  for (const label of labels) {
    if (label < 0) continue
    counts[label]!++
    images++
  }
  const none = counts.indexOf(0)
  if (none >= 0)
    throw new PreresnetError('ERR_OPTION', `--class-weights balanced: expected images of every class, got none of ${JSON.stringify(classes[none])} in ${name}`)
  return counts.map((count) => images / (counts.length * count))
}
