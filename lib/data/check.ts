/** What callers hand over as a dataset, and the classes of two datasets that must agree. */
import { PreresnetError } from '../errors.js'
import { fields, invalid } from '../options.js'
import type { Dataset } from './dataset.js'

/** ERR_OPTION for what is no dataset; says what to do where it can be told what it is. */
export function checkDataset(where: string, value: unknown): Dataset {
  const { labels, source, shape, classes, train, test } = fields(value)
  if (train !== undefined && test !== undefined) throw new PreresnetError('ERR_OPTION', `${where}: expected a dataset, got { train, test }: choose one of them`)
  if (!(labels instanceof Int32Array) || !Array.isArray(classes) || source === undefined || shape === undefined) throw invalid(where, 'a dataset', value)
  return value as Dataset
}

/**
 * Classes are compared by name: a class that another data set calls otherwise, or has at another place, would be counted as wrong, or worse, as right.
 * `whose`: what the expected ones are of; `remedy`: the end of the message.
 */
export function checkClasses(name: string, classes: readonly string[], whose: string, expected: readonly string[] | undefined, remedy = ''): void {
  if (expected === undefined) return
  const length = Math.max(classes.length, expected.length)
  const at = Array.from({ length }, (_, index) => index).find((index) => classes[index] !== expected[index])
  if (at === undefined) return
  const shown = (names: readonly string[]): string => (names.length > 10 ? `${names.slice(0, 10).join(', ')} ... (${names.length})` : names.join(', '))
  const first = `${JSON.stringify(expected[at] ?? 'none')} and ${JSON.stringify(classes[at] ?? 'none')}`
  throw new PreresnetError(
    'ERR_DATASET',
    `${name}: expected the classes of ${whose} (${shown(expected)}), got ${shown(classes)}; the first that differs is class ${at}: ${first}${remedy}`,
  )
}
