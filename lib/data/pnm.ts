/** PNM, the plainest of image files: a line or three of text, and then the pixels. */
import type { ImageShape } from './dataset.js'

/** What stands before the pixels of an image, of 1 or 3 channels, to make a file of them. */
export function pnmHeader({ height, width, channels }: ImageShape): string {
  return `P${channels === 1 ? 5 : 6}\n${width} ${height}\n255\n`
}
