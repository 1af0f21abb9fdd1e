import type { Pixels } from '../../lib/cli/pictures/png.js'

/** An image whose pixels all differ from their neighbors. */
export function pixels(height: number, width: number, channels: 1 | 3): Pixels {
  return { height, width, channels, values: Uint8Array.from({ length: height * width * channels }, (_, index) => (index * 37 + 11) % 256) }
}
