/** Images as a network gets them, on one HTML page that loads nothing. */
import type { ImageShape } from '../../data/dataset.js'
import { escapeText } from './escape.js'
import { pngUrl } from './png.js'

export interface SheetImage {
  /** As workers make it: [row][column][channel]. */
  readonly pixels: Uint8Array
  /** In the padded image, with `mirrored`. */
  readonly top: number
  readonly left: number
  readonly mirrored: boolean
  readonly caption: string
}

export interface SheetSection {
  readonly heading: string
  readonly input: ImageShape
  readonly pad: number
  readonly images: readonly SheetImage[]
}

/** What stands for the border, which is the mean color of the training images. */
const borderValue = 128

/** The program's part of the preparation: the crop of the padded image, mirrored. */
export function cropped({ pixels, top, left, mirrored }: Omit<SheetImage, 'caption'>, { height, width, channels }: ImageShape, pad: number): Uint8Array {
  const result = new Uint8Array(pixels.length).fill(borderValue)
  for (let y = 0; y < height; y++) {
    const fromY = y + top - pad
    if (fromY < 0 || fromY >= height) continue
    for (let x = 0; x < width; x++) {
      const fromX = (mirrored ? width - 1 - x : x) + left - pad
      if (fromX < 0 || fromX >= width) continue
      for (let channel = 0; channel < channels; channel++) result[(y * width + x) * channels + channel] = pixels[(fromY * width + fromX) * channels + channel]!
    }
  }
  return result
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
.sheet { display: flex; flex-wrap: wrap; gap: 8px } figure { margin: 0; width: 128px; font-size: 12px; overflow-wrap: break-word }
img { width: 128px; height: auto; image-rendering: pixelated; display: block }
`

function figure(image: SheetImage, { input, pad }: SheetSection): string {
  const { height, width, channels } = input
  const url = pngUrl({ height, width, channels: channels === 1 ? 1 : 3, values: cropped(image, input, pad) })
  return `<figure><img src="${url}" alt=""><figcaption>${escapeText(image.caption)}</figcaption></figure>`
}

export function contactSheet(title: string, facts: readonly string[], sections: readonly SheetSection[]): string {
  const name = escapeText(title)
  const parts = sections.map(
    (each) => `<section><h2>${escapeText(each.heading)}</h2><div class="sheet">${each.images.map((image) => figure(image, each)).join('\n')}</div></section>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name}</title><style>${style}</style></head>
<body><h1>${name}</h1>
${facts.map((fact) => `<p>${escapeText(fact)}</p>`).join('\n')}
${parts.join('\n')}
</body></html>
`
}
