/** The rules of docs/data.md for random crops, once more. */
import { philoxWord } from './philox.js'

export interface Draw {
  readonly seed: number
  readonly epoch: number
  readonly sample: number
}

export interface Size {
  readonly height: number
  readonly width: number
}

export interface Box extends Size {
  readonly top: number
  readonly left: number
}

/** Word `index` of a stream. */
function word({ seed, epoch, sample }: Draw, stream: number, index: number): number {
  return philoxWord(seed, stream, epoch, 4 * sample + index)
}

const below = (random: number, count: number): number => Number((BigInt(random) * BigInt(count)) >> 32n)
const uniform = (random: number, [from, to]: readonly [number, number]): number => from + (to - from) * (random / 2 ** 32)

/** Ties to even. */
function rounded(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1
}

/** torchvision's RandomResizedCrop. */
export function randomArea(draw: Draw, { height, width }: Size, area: readonly [number, number], aspect: readonly [number, number]): Box {
  for (let attempt = 0; attempt < 10; attempt++) {
    const words = [0, 1, 2, 3].map((index) => word(draw, 0x61726500 + attempt, index))
    const pixels = height * width * uniform(words[0]!, area)
    const ratio = Math.exp(uniform(words[1]!, [Math.log(aspect[0]), Math.log(aspect[1])]))
    const size = { height: rounded(Math.sqrt(pixels / ratio)), width: rounded(Math.sqrt(pixels * ratio)) }
    if (size.width < 1 || size.width > width || size.height < 1 || size.height > height) continue
    return { top: below(words[2]!, height - size.height + 1), left: below(words[3]!, width - size.width + 1), ...size }
  }
  const ratio = width / height
  const size = {
    height: ratio < aspect[0] ? rounded(width / aspect[0]) : height,
    width: ratio > aspect[1] ? rounded(height * aspect[1]) : width,
  }
  return { top: Math.floor((height - size.height) / 2), left: Math.floor((width - size.width) / 2), ...size }
}

/** The shorter side of randomResize. */
export function randomSide(draw: Draw, from: number, to: number): number {
  return from + below(word(draw, 0x73697a65, 0), to - from + 1)
}

/** Where randomCrop cuts out a resized image. */
export function randomPlace(draw: Draw, image: Size, crop: Size): Box {
  return {
    top: below(word(draw, 0x73697a65, 1), image.height - crop.height + 1),
    left: below(word(draw, 0x73697a65, 2), image.width - crop.width + 1),
    ...crop,
  }
}
