/** Numbers of 8 bits as files hold them. */

export interface Float8 {
  /** Bits of the fraction; the others, but for a sign, are the exponent. */
  readonly mantissa: number
  readonly bias: number
  /**
   * What stands for no number. 'ieee': the highest exponent is infinite or not a number. 'nan': all ones are not a number, and nothing is infinite.
   * 'unsigned zero': a negative zero is not a number. 'exponent': there is no sign and no zero, all eight bits are an exponent, and all ones are not a number.
   */
  readonly special: 'ieee' | 'nan' | 'unsigned zero' | 'exponent'
}

/** Widening is exact. */
export function widenFloat8(kind: Float8, bytes: Uint8Array): Float32Array {
  const known = Float32Array.from({ length: 256 }, (_, byte) => valueOf(kind, byte))
  return Float32Array.from(bytes, (byte) => known[byte]!)
}

function valueOf({ mantissa, bias, special }: Float8, byte: number): number {
  if (special === 'exponent') return byte === 0xff ? NaN : 2 ** (byte - bias)
  const sign = byte & 0x80 ? -1 : 1
  const fraction = (byte & ((1 << mantissa) - 1)) / 2 ** mantissa
  const exponent = (byte & 0x7f) >> mantissa
  if (special === 'nan' && (byte & 0x7f) === 0x7f) return NaN
  if (special === 'unsigned zero' && byte === 0x80) return NaN
  if (special === 'ieee' && exponent === 0x7f >> mantissa) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias)
}
