/** What stands at the ends of a program: tensors that are written before it runs and read after it. */
import { tensorsIn } from './operands.js'
import type { ProgramSet, TensorSpec } from './program.js'

/**
 * Gives inputs and outputs of one program of a set, by what they are called in a set of that program alone: `images`, `probabilities`.
 * @param set - What `compilePrograms` made.
 * @param name - One of its programs.
 * @throws RangeError where there is no such program.
 */
export function boundaryOf({ tensors, programs }: ProgramSet, name: string): ReadonlyMap<string, TensorSpec> {
  const program = programs[name]
  if (program === undefined) throw new RangeError(`no program ${name}`)
  const touched = new Set(program.operations.flatMap(({ operands }) => tensorsIn<number>(operands)))
  const ends = [...touched].map((index) => tensors[index]!).filter(({ arena }) => arena === 'inputs' || arena === 'outputs')
  return new Map(ends.map((tensor) => [tensor.name.slice(tensor.name.lastIndexOf('/') + 1), tensor]))
}
