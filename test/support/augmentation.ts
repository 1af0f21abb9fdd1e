/** What docs/data.md says of augmentations, once more: what is drawn, and what test/native/augmentation.cpp makes of it. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { philoxWord } from './philox.js'
import type { Draw } from './random_crops.js'

export interface StoredImage {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly pixels: Uint8Array
}

const program = join(dirname(process.env['PRERESNET_BINDING'] ?? 'build/Release/preresnet.node'), 'augmentation_test')

export const operationText = (name: string, numbers: readonly number[]): string => `${name}:${numbers.join()}`

/** The image after each of the operations, each on the image itself. */
export function changed({ height, width, channels, pixels }: StoredImage, operations: readonly string[]): readonly Uint8Array[] {
  const { stdout, status, stderr } = spawnSync(program, [height, width, channels].map(String).concat(operations), {
    input: pixels,
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(`augmentation_test: status ${status}: ${String(stderr)}`)
  return operations.map((_, index) => new Uint8Array(stdout.subarray(index * pixels.length, (index + 1) * pixels.length)))
}

/** The image after one operation after the other. */
export function chained(image: StoredImage, operations: readonly string[]): Uint8Array {
  return operations.reduce((pixels, operation) => changed({ ...image, pixels }, [operation])[0]!, image.pixels)
}

/** The words of the augmentation at a place of the list. */
export class Words {
  #used = 0

  constructor(
    readonly draw: Draw,
    readonly place: number,
  ) {}

  next(): number {
    const { seed, epoch, sample } = this.draw
    const block = Math.floor(this.#used / 4)
    return philoxWord(seed, 0x41000000 + 256 * this.place + block, epoch, 4 * sample + (this.#used++ % 4))
  }

  below(count: number): number {
    return Number((BigInt(this.next()) * BigInt(count)) >> 32n)
  }

  share(): number {
    return this.next() / 2 ** 32
  }

  uniform([from, to]: readonly [number, number]): number {
    return from + (to - from) * this.share()
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.share()))
    return radius * Math.cos(2 * Math.PI * this.share())
  }
}

const signed = (operation: number): boolean => operation >= 1 && operation <= 9

/** An operation of TrivialAugment (`wide`) or RandAugment; the magnitude is drawn where it is not given. */
export function operationOf(words: Words, table: 'wide' | 'rand', bins: number, magnitude?: number): string {
  const operation = words.below(14)
  const drawn = words.below(bins)
  const negative = words.below(2) === 0
  return operationText(table, [operation, magnitude ?? drawn, bins, negative && signed(operation) ? -1 : 1])
}
