/** What callers hand over as a dataset, and the classes of two datasets that must agree. */
import { abortSignal } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { fields, integer, invalid, knownKeys } from '../options/values.js'
import { checkOptions, pick } from '../options/check.js'
import type { Dataset, ImageShape, SourceOptions } from './dataset.js'
import { sourceOptions } from './source_options.js'

/** ERR_OPTION for what is no dataset; says what to do where it can be told what it is. */
export function checkDataset(where: string, value: unknown): Dataset {
  const { labels, source, classes, train, test } = fields(value)
  if (train !== undefined && test !== undefined) throw new PreresnetError('ERR_OPTION', `${where}: expected a dataset, got { train, test }: choose one of them`)
  if (!(labels instanceof Int32Array) || !Array.isArray(classes) || source === undefined) throw invalid(where, 'a dataset', value)
  return value as Dataset
}

/**
 * Classes are compared by name, however Unicode composes its letters: a class that another data set calls otherwise, or has at another index, would be counted as wrong, or worse, as right.
 * `whose`: what the expected ones are of; `remedy`: the end of the message.
 */
export function checkClasses(name: string, classes: readonly string[], whose: string, expected: readonly string[] | undefined, remedy = ''): void {
  if (expected === undefined) return
  const length = Math.max(classes.length, expected.length)
  const at = Array.from({ length }, (_, index) => index).find((index) => classes[index]?.normalize() !== expected[index]?.normalize())
  if (at === undefined) return
  const shown = (names: readonly string[]): string => (names.length > 10 ? `${names.slice(0, 10).join(', ')} ... (${names.length})` : names.join(', '))
  const first = `${JSON.stringify(expected[at] ?? 'none')} and ${JSON.stringify(classes[at] ?? 'none')}`
  throw new PreresnetError(
    'ERR_DATASET',
    `${name}: expected the classes of ${whose} (${shown(expected)}), got ${shown(classes)}; the first that differs is class ${at}: ${first}${remedy}`,
  )
}

/** Checks what stands for a network's input. */
export function readInput(where: string, value: unknown): ImageShape {
  const { height, width, channels } = fields(value)
  return { height: integer(`${where}.height`, height, 1), width: integer(`${where}.width`, width, 1), channels: integer(`${where}.channels`, channels, 1) }
}

/** The names of these options. */
export const sourceKeys: readonly string[] = ['classes', 'signal', ...Object.keys(sourceOptions)]

/** Options of what reads a dataset, checked. */
export function readSourceOptions(where: string, options: SourceOptions): SourceOptions {
  knownKeys(where, options, sourceKeys)
  const { classes } = options
  if (classes !== undefined && !(Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === 'string')))
    throw invalid(`${where}: classes`, 'a list of names', classes)
  const signal = abortSignal(`${where}: signal`, options.signal)
  return { ...checkOptions(where, sourceOptions, pick(sourceOptions, options)), ...(classes && { classes }), ...(signal && { signal }) }
}
