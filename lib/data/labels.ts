/** Labels and names of classes, as code gives them. */
import { PreresnetError } from '../errors.js'
import { describe, integer, invalid } from '../options/values.js'

export function classNames(where: string, classes: unknown): readonly string[] {
  if (typeof classes === 'number') return Array.from({ length: integer(`${where}: classes`, classes, 1) }, (_, index) => String(index))
  if (Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === 'string')) return classes
  throw invalid(`${where}: classes`, 'names or a number', classes)
}

/** A copy as Int32Array. ERR_OPTION for what is no list of numbers, ERR_DATASET for a label that is no class. */
export function checkedLabels(where: string, name: string, labels: unknown, classes: number): Int32Array {
  if (!Array.isArray(labels) && !ArrayBuffer.isView(labels)) throw invalid(`${where}: labels`, 'an Int32Array or an array of numbers', labels)
  const values = labels as ArrayLike<number>
  const bad = Array.prototype.findIndex.call(values, (label) => !(Number.isInteger(label) && label >= 0 && label < classes))
  if (bad >= 0) throw new PreresnetError('ERR_DATASET', `${name}: label of image ${bad}: expected 0 to ${classes - 1}, got ${describe(values[bad])}`)
  return Int32Array.from(values)
}
