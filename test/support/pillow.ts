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
}

/** The options of `decodeImage`. */
export function settingsOf({ height, width, filter, area, aspect, resize, ...draw }: Omit<PillowCase, 'file'>): Parameters<NativeBinding['decodeImage']>[1] {
  return {
    channels: 3,
    height,
    width,
    filter,
    ...draw,
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
export const goldenCases: readonly PillowCase[] = files.flatMap((file, index) =>
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
