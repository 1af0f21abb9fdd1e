import { createHash } from 'node:crypto'

/** 0 ... count - 1 in an order that hangs on `key` alone. Fisher and Yates, 53 random bits a step, from SHA-256 of key and counter. */
export function shuffled(count: number, key: string): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index)
  let block = Buffer.alloc(0)
  for (let last = count - 1, step = 0; last > 0; last--, step++) {
    if (step % 4 === 0)
      block = createHash('sha256')
        .update(`${key}/${step / 4}`)
        .digest()
    const random = Number(block.readBigUInt64LE((step % 4) * 8) >> 11n) / 2 ** 53
    const other = Math.floor(random * (last + 1))
    const value = order[last]!
    order[last] = order[other]!
    order[other] = value
  }
  return order
}
