/** What a value becomes in memory. */
import { endianness } from 'node:os'
import type { OperationName } from '../../lib/contracts.js'
import type { DType } from '../../lib/compiler/program.js'
import type { TestExecutor } from './executors.js'
import { dtypeOf, type OperationCase } from './operation.js'
import { type Values, valuesOf } from './values.js'

/** Bits of the significand, the leading one among them, and exponents of the smallest normal and of the first number that is too large. */
const FORMATS: Partial<Record<DType, readonly [precision: number, smallest: number, beyond: number]>> = { f16: [11, -14, 16], bf16: [8, -126, 128] }

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)
/** The half that holds the exponent. */
const HIGH = endianness() === 'LE' ? 1 : 0

/** To nearest, ties to even. */
export function roundTo(dtype: DType, value: number): number {
  if (dtype === 'f32') return Math.fround(value)
  const format = FORMATS[dtype]
  if (format === undefined || value === 0 || !Number.isFinite(value)) return value
  const [precision, smallest, beyond] = format
  double[0] = value
  const exponent = ((halves[HIGH]! >>> 20) & 0x7ff) - 1023
  halves[HIGH] = (Math.max(exponent, smallest) - precision + 1 + 1023) << 20
  halves[1 - HIGH] = 0
  const unit = double[0]
  const whole = Math.floor(value / unit)
  const rest = value / unit - whole
  const rounded = unit * (rest > 0.5 || (rest === 0.5 && whole % 2 !== 0) ? whole + 1 : whole)
  return Math.abs(rounded) < 2 ** beyond ? rounded : Infinity * Math.sign(value)
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** To the nearest number of 11 bits, ties away from zero: what tensor cores of NVIDIA do to float operands. */
export function roundToTf32(value: number): number {
  float[0] = value
  bits[0] = ((bits[0]! + 0x1000) & 0xffffe000) >>> 0
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
