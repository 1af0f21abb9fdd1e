/** Crops that Pillow made too: scripts/verify/pillow.mjs. */
import type { NativeBinding } from '../../lib/native/types.js'

export interface PillowCase {
  /** Under test/fixtures. */
  readonly file: string
  readonly height: number
  readonly width: number
  readonly filter: 'bilinear' | 'bicubic'
  /** Without them the middle is cut out. */
  readonly seed?: number
  readonly epoch?: number
  readonly sample?: number
  readonly area?: readonly [number, number]
  readonly aspect?: readonly [number, number]
  /** The shorter side, drawn. */
  readonly resize?: readonly [number, number]
  /** Height and width of the middle of the stored image, and of the resized one, that are all there is. */
  readonly before?: readonly [number, number]
  readonly within?: readonly [number, number]
}

/** The options of `decodeImage`. */
export function settingsOf({
  height,
  width,
  filter,
  area,
  aspect,
  resize,
  before,
  within,
  ...draw
}: Omit<PillowCase, 'file'>): Parameters<NativeBinding['decodeImage']>[1] {
  return {
    channels: 3,
    height,
    width,
    filter,
    ...draw,
    ...(before && { before: { height: before[0], width: before[1] } }),
    ...(within && { within: { height: within[0], width: within[1] } }),
    ...(area && aspect && { crop: 'area', area: Float64Array.of(...area, ...aspect) }),
    ...(resize && { resize: resize[0], resizeTo: resize[1], crop: draw.seed === undefined ? 'center' : 'random' }),
  }
}

const files = [
  'chroma/1x1.jpg',
  'chroma/2x1.jpg',
  'chroma/2x2.jpg',
  'chroma/2x2-progressive.jpg',
  'chroma/gray.jpg',
  'waves-217x145.jpg',
  'cmyk.jpg',
  'webp/lossy.webp',
  'webp/lossless.webp',
]
const filters = ['bilinear', 'bicubic'] as const

/** Smaller and larger than what is cut out, wider and higher. */
const plainCases: readonly PillowCase[] = files.flatMap((file, index) =>
  filters.flatMap((filter): PillowCase[] => {
    const of = { file, filter, seed: 2 ** 33 + index, epoch: index }
    return [
      { ...of, height: 12, width: 16, sample: 7, area: [0.08, 1], aspect: [3 / 4, 4 / 3] },
      { ...of, height: 30, width: 22, sample: 2 ** 32 + 5, area: [0.02, 0.1], aspect: [0.5, 2] },
      { ...of, height: 11, width: 13, sample: 9, resize: [14, 23] },
      { file, filter, height: 11, width: 13, resize: [14, 14] },
    ]
  }),
)

/** Parts of odd and even borders, before and after a resize, of JPEG whose chroma is stored at both resolutions and of what is decoded whole. */
const partCases: readonly PillowCase[] = ['chroma/1x1.jpg', 'chroma/2x2.jpg', 'waves-217x145.jpg', 'webp/lossy.webp'].flatMap((file, index): PillowCase[] => {
  const of = { file, filter: filters[index % 2]!, seed: 5, epoch: index }
  return [
    { ...of, height: 12, width: 16, sample: 1, before: [20, 31], area: [0.08, 1], aspect: [3 / 4, 4 / 3] },
    { ...of, height: 9, width: 10, sample: 2, before: [22, 19], resize: [11, 17] },
    { ...of, height: 9, width: 10, sample: 3, resize: [15, 19], within: [12, 15] },
    { file, filter: of.filter, height: 9, width: 10, before: [21, 30], resize: [16, 16], within: [13, 16] },
  ]
})

export const goldenCases: readonly PillowCase[] = [...plainCases, ...partCases]
