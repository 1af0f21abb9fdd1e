/** Philox4x32-10 with big integers, from the paper's definition: what dropout draws. */

const MASK = 0xffffffffn

/** Word `index` of stream `stream` in step `step` under `seed`. */
export function philoxWord(seed: number, step: number, stream: number, index: number): number {
  const block = BigInt(Math.floor(index / 4))
  let [c0, c1, c2, c3] = [block & MASK, block >> 32n, BigInt(stream) & MASK, BigInt(step) & MASK]
  let [k0, k1] = [BigInt(seed) & MASK, BigInt(seed) >> 32n]
  for (let round = 0; round < 10; round++) {
    const [left, right] = [0xd2511f53n * c0, 0xcd9e8d57n * c2]
    ;[c0, c1, c2, c3] = [(right >> 32n) ^ c1 ^ k0, right & MASK, (left >> 32n) ^ c3 ^ k1, left & MASK]
    ;[k0, k1] = [(k0 + 0x9e3779b9n) & MASK, (k1 + 0xbb67ae85n) & MASK]
  }
  return Number([c0, c1, c2, c3][index % 4])
}

/** 0 with probability `rate`, else 1 / (1 - rate): the upper 24 bits of the word as a fraction decide. */
export function dropoutFactor(rate: number, seed: number, step: number, stream: number, index: number): number {
  return Math.floor(philoxWord(seed, step, stream, index) / 256) / 2 ** 24 >= rate ? 1 / (1 - rate) : 0
}
