/** The types of tensors in safetensors files: how many bits a value has, and as what values are given. */
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from './float16.js'
import { widenFloat8, type Float8 } from './float8.js'

/** The values of a tensor are in row-major order [elements]; F16, BF16 and the types of 8 bits that begin with F are given as Float32Array, BOOL as 0 and 1. */
export type TensorValues =
  Float64Array | Float32Array | BigInt64Array | BigUint64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array

/** What is known of a tensor before its values are read. */
export interface TensorDescription {
  readonly dtype: SafetensorsType | (string & Record<never, never>)
  readonly shape: readonly number[]
}

interface ValuesConstructor {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, offset?: number, length?: number): TensorValues
}

interface TensorType {
  readonly bits: number
  /** Of the values in memory. */
  readonly array: ValuesConstructor
  /** Where the values in memory are others than in the file. */
  readonly widen?: (bytes: ArrayBuffer) => Float32Array
  /** The same, for writing. */
  readonly narrow?: (values: Float32Array) => Uint8Array
  /** Whether the values are floating-point numbers; a raw tensor's bytes are not. */
  readonly floating?: true
  readonly onlyRead?: true
}

const float16 = (widen: typeof widenFloat16, narrow: typeof narrowFloat16): TensorType => ({
  bits: 16,
  array: Float32Array,
  floating: true,
  widen: (bytes) => {
    const bits = new Uint16Array(bytes)
    const values = new Float32Array(bits.length)
    widen(bits, values)
    return values
  },
  narrow: (values) => {
    const bits = new Uint16Array(values.length)
    narrow(values, bits)
    return new Uint8Array(bits.buffer)
  },
})

const float8 = (kind: Float8): TensorType => ({
  bits: 8,
  array: Float32Array,
  floating: true,
  onlyRead: true,
  widen: (bytes) => widenFloat8(kind, new Uint8Array(bytes)),
})

/** The bytes as they are in the file. */
const raw = (bits: number): TensorType => ({ bits, array: Uint8Array, onlyRead: true })

const types = {
  F64: { bits: 64, array: Float64Array, floating: true },
  F32: { bits: 32, array: Float32Array, floating: true },
  F16: float16(widenFloat16, narrowFloat16),
  BF16: float16(widenBfloat16, narrowBfloat16),
  F8_E4M3: float8({ mantissa: 3, bias: 7, special: 'nan' }),
  F8_E5M2: float8({ mantissa: 2, bias: 15, special: 'ieee' }),
  F8_E4M3FNUZ: float8({ mantissa: 3, bias: 8, special: 'unsigned zero' }),
  F8_E5M2FNUZ: float8({ mantissa: 2, bias: 16, special: 'unsigned zero' }),
  F8_E8M0: float8({ mantissa: 0, bias: 127, special: 'exponent' }),
  F6_E2M3: raw(6),
  F6_E3M2: raw(6),
  F4: raw(4),
  C64: raw(64),
  I64: { bits: 64, array: BigInt64Array },
  U64: { bits: 64, array: BigUint64Array },
  I32: { bits: 32, array: Int32Array },
  U32: { bits: 32, array: Uint32Array },
  I16: { bits: 16, array: Int16Array },
  U16: { bits: 16, array: Uint16Array },
  I8: { bits: 8, array: Int8Array },
  U8: { bits: 8, array: Uint8Array },
  BOOL: { bits: 8, array: Uint8Array },
} satisfies Record<string, TensorType>

/** The types of numbers that are known have these names in a file. */
export type SafetensorsType = keyof typeof types

/** Undefined for a type that is not in the format's table; a file that has one gives its bytes. */
export function tensorType(name: string): TensorType | undefined {
  return Object.hasOwn(types, name) ? types[name as SafetensorsType] : undefined
}

/** Values of a tensor of this shape. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** Values of these bytes of a file: the bytes themselves where they lie in memory as the type needs it, else a copy. */
export function decodeTensor(name: string, bytes: Uint8Array<ArrayBuffer>): TensorValues {
  const { array, widen } = tensorType(name) ?? raw(8)
  const { buffer, byteOffset, byteLength } = bytes
  const own = (): ArrayBuffer => (byteLength === buffer.byteLength ? buffer : bytes.slice().buffer)
  if (widen !== undefined) return widen(own())
  const each = array.BYTES_PER_ELEMENT
  return byteOffset % each === 0 ? new array(buffer, byteOffset, byteLength / each) : new array(own())
}
