// What the checks share: random images, the verdict.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { memoryDataset } from '../../dist/lib/index.js'

/** Random 32 x 32 x 3 images with random labels. */
export async function randomImages(count, classes = 10) {
  const bytes = randomBytes(count)
  return memoryDataset({
    images: new Uint8Array(randomBytes(count * 32 * 32 * 3)),
    labels: Int32Array.from(bytes, (value) => value % classes),
    height: 32,
    width: 32,
    channels: 3,
    classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
  })
}

/** Resident bytes of this process. */
export function resident() {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

export function verdict(result) {
  console.log(JSON.stringify(result))
  if (!result.passed) process.exitCode = 1
}
