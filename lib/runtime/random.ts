/**
 * Start values of parameters: a function of the seed and the parameter's name alone, so neither the order of parameters nor the rest
 * of the network matters. SHA-256 of `seed/name` gives the state of a xoshiro128** generator; each value takes 53 random bits.
 */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { ParameterInit } from '../graph/graph.js'

/** Values per slice of work on the event loop. */
const slice = 1 << 15

export async function initialValues(init: ParameterInit, count: number, seed: number, name: string): Promise<Float64Array> {
  const values = new Float64Array(count)
  if (init.kind === 'constant') return values.fill(init.value)
  const next = init.kind === 'normal' ? normals(uniforms(seed, name), init.std) : symmetric(uniforms(seed, name), init.bound)
  for (let begin = 0; begin < count; begin += slice) {
    const end = Math.min(count, begin + slice)
    for (let index = begin; index < end; index++) values[index] = next()
    if (end < count) await setImmediate()
  }
  return values
}

/** Multiples of 2^-53 in [0, 1). */
function uniforms(seed: number, name: string): () => number {
  const state = createHash('sha256').update(`${seed}/${name}`).digest()
  let a = state.readInt32LE(0)
  let b = state.readInt32LE(4)
  let c = state.readInt32LE(8)
  let d = state.readInt32LE(12)
  const bits = (): number => {
    const product = Math.imul(b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result
  }
  return () => ((bits() >>> 5) * 67108864 + (bits() >>> 6)) / 9007199254740992
}

/** Box and Muller: two normal values of two uniform ones. */
function normals(uniform: () => number, std: number): () => number {
  let spare: number | undefined
  return () => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const radius = std * Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

const symmetric = (uniform: () => number, bound: number) => (): number => (2 * uniform() - 1) * bound
