/** Arithmetic of an operation: a multiplication and an addition count as two. Convolutions count as direct ones, whatever the algorithm; element-wise work counts nothing. */
import type { OperationSpec, ProgramSet } from './program.js'

export function flopsOf(set: ProgramSet, { op, operands }: OperationSpec): number {
  const shape = (key: string): readonly number[] => set.tensors[operands[key] as number]?.shape ?? []
  const size = (key: string): number => shape(key).reduce((product, length) => product * length, 1)
  const asked = (...keys: string[]): number => keys.filter((key) => key in operands).length
  /** Every weight meets every place of the output. */
  const products = (output: string, weights: string): number =>
    2 *
    size(output) *
    shape(weights)
      .slice(1)
      .reduce((product, length) => product * length, 1)
  switch (op) {
    case 'conv':
      return products('y', 'w')
    case 'conv_backward':
      return asked('dw', 'dx') * products('d', 'w')
    case 'conv_backward_data':
    case 'conv_backward_norm':
      return products('dy', 'w')
    case 'conv_backward_weights':
      return products('dy', 'dw')
    case 'linear':
      return products('y', 'w')
    case 'linear_backward':
      return asked('dw', 'dx') * products('dy', 'w')
    default:
      return 0
  }
}
