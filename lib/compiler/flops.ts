/** Arithmetic of an operation: a multiplication and an addition count as two. Convolutions count as direct ones, whatever the algorithm; element-wise work counts nothing. */
import { contracts } from '../contracts.js'
import { elements } from './layout.js'
import { tensorsAt } from './operands.js'
import type { OperationSpec, ProgramSet } from './program.js'

export function flopsOf(set: ProgramSet, { op, operands }: OperationSpec): number {
  const { products } = contracts[op]
  if (products === undefined) return 0
  const shape = (name: string): readonly number[] => tensorsAt<number>(operands, name).flatMap((index) => set.tensors[index]?.shape ?? [])
  const times = products.each === undefined ? 1 : products.each.filter((name) => tensorsAt<number>(operands, name).length > 0).length
  // Every weight meets every position of the output.
  return times * 2 * elements(shape(products.output)) * elements(shape(products.weights).slice(1))
}
