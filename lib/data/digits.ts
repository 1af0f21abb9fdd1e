import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { PreresnetError } from '../errors.js'
import { knownPackageVersion } from '../package.js'
import type { Dataset, DataSplit } from './dataset.js'
import { memoryDataset } from './memory.js'

const side = 28
const classes = Array.from({ length: 10 }, (_, digit) => String(digit))

/**
 * Reads the 10,000 MNIST digits that are part of the package, 28 x 28 gray: of each digit the first four fifths are to train on (7,996), the rest to test
 * (2,004). They are in the order of the digits; loaders shuffle. It needs no network.
 * @throws ERR_FILE where their file is missing or is not as expected, as in a bundle, which has no files of the package.
 */
export async function digits(): Promise<DataSplit> {
  const stored = await readDigits(digitsFile())
  const kept = stored.map((images) => Math.floor(((images.length / side ** 2) * 4) / 5) * side ** 2)
  const train = await dataset(
    'digits/train',
    stored.map((images, digit) => images.subarray(0, kept[digit])),
  )
  const test = await dataset(
    'digits/test',
    stored.map((images, digit) => images.subarray(kept[digit])),
  )
  return { train, test }
}

/** By a URL that tools which trace files (@vercel/nft) and bundlers see. */
function digitsFile(): string {
  if (knownPackageVersion() === undefined) {
    throw new PreresnetError(
      'ERR_FILE',
      'the file of the digits lies in the package preresnet, which is not around this code: leave preresnet out of the bundle',
    )
  }
  return fileURLToPath(new URL('../../digits.gz', import.meta.url))
}

/** How many images each digit has, as 32-bit integers, and then the pixels (scripts/digits.mjs writes it). */
async function readDigits(path: string): Promise<Uint8Array[]> {
  let bytes: Buffer
  try {
    bytes = await promisify(gunzip)(await readFile(path))
  } catch (error) {
    throw new PreresnetError('ERR_FILE', `${path}: ${(error as Error).message}; in a clone \`npm run build\` makes it`, { cause: error })
  }
  const head = 4 * classes.length
  const sizes = bytes.length < head ? [] : classes.map((_, digit) => bytes.readUInt32LE(4 * digit) * side ** 2)
  const expected = sizes.reduce((sum, size) => sum + size, head)
  if (sizes.length === 0 || bytes.length !== expected) {
    throw new PreresnetError('ERR_FILE', `${path}: expected ${expected} bytes, got ${bytes.length}`)
  }
  let at = head
  return sizes.map((size) => bytes.subarray(at, (at += size)))
}

async function dataset(name: string, parts: readonly Uint8Array[]): Promise<Dataset> {
  const images = Buffer.concat(parts)
  const labels = parts.flatMap((part, digit) => new Array<number>(part.length / side ** 2).fill(digit))
  return memoryDataset({ name, images: new Uint8Array(images), labels, height: side, width: side, channels: 1, classes })
}
