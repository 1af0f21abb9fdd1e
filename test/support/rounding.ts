/** What a value becomes in memory. */
import type { OperationName } from '../../lib/compiler/contracts.js'
import type { DType } from '../../lib/compiler/program.js'
import type { TestExecutor } from './executors.js'
import { dtypeOf, type OperationCase } from './operation.js'
import { type Values, valuesOf } from './values.js'

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

export function roundTo(dtype: DType, value: number): number {
  if (dtype === 'f32') return Math.fround(value)
  if (dtype !== 'bf16') return value
  float[0] = value
  // To nearest, ties to even.
  bits[0] = ((bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000) >>> 0
  return float[0]
}

/** The same case with the inputs that this executor will really see. */
export function roundedFor(executor: TestExecutor, op: OperationName, operation: OperationCase): OperationCase {
  const inputs: Record<string, Values | readonly Values[]> = {}
  for (const [operand, value] of Object.entries(operation.inputs)) {
    const dtype = dtypeOf(executor, op, operand)
    const round = ({ shape, data }: Values): Values => valuesOf(shape, (index) => roundTo(dtype, data[index]!))
    inputs[operand] = 'data' in value ? round(value) : value.map(round)
  }
  return { ...operation, inputs }
}
