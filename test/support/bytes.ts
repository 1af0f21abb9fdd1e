/** Bytes that look random and are the same each time: a 32-bit linear congruential generator, its upper bits. */
export function randomBytes(length: number, seed: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state >>> 24
  })
}
