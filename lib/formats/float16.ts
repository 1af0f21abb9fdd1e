/** Half precision and bfloat16 as files hold them. */

/** Widening is exact. */
export function widenBfloat16(bits: Uint16Array, values: Float32Array): void {
  const wide = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let index = 0; index < bits.length; index++) wide[index] = bits[index]! << 16
}

/** Rounds to the nearest, ties to even; NaN stays NaN. */
export function narrowBfloat16(values: Float32Array, bits: Uint16Array): void {
  const wide = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let index = 0; index < bits.length; index++) {
    const value = wide[index]!
    const isNaN = (value & 0x7fffffff) > 0x7f800000
    bits[index] = isNaN ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16
  }
}

/** Widening is exact. */
export function widenFloat16(bits: Uint16Array, values: Float32Array): void {
  for (let index = 0; index < bits.length; index++) {
    const half = bits[index]!
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >>> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0x1f) values[index] = fraction === 0 ? sign * Infinity : NaN
    else if (exponent === 0) values[index] = sign * fraction * 2 ** -24
    else values[index] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  }
}

/** Rounds to the nearest, ties to even; what is too large becomes infinite. */
export function narrowFloat16(values: Float32Array, bits: Uint16Array): void {
  const wide = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let index = 0; index < bits.length; index++) {
    const sign = (wide[index]! >>> 16) & 0x8000
    const value = Math.abs(values[index]!)
    if (Number.isNaN(value)) bits[index] = sign | 0x7e00
    else if (value >= 65520) bits[index] = sign | 0x7c00
    else if (value < 2 ** -14) bits[index] = sign | roundToEven(value * 2 ** 24)
    else {
      // A fraction that rounds up to 1024 carries into the exponent by itself.
      const exponent = ((wide[index]! >>> 23) & 0xff) - 127
      bits[index] = sign | (((exponent + 15) << 10) + roundToEven((value / 2 ** exponent - 1) * 1024))
    }
  }
}

function roundToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
