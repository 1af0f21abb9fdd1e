/** A picture of images with what a network says about them, right ones green, wrong ones red, as one SVG document. */
import { escapeText } from './escape.js'
import { type Pixels, pngUrl } from './png.js'

export interface Prediction {
  readonly image: Pixels
  readonly predicted: string
  readonly probability: number
  /** undefined where nobody knows. */
  readonly label?: string
}

const cell = 96
const caption = 34
const columns = 8

export function predictionsSvg(predictions: readonly Prediction[]): string {
  const rows = Math.ceil(predictions.length / columns)
  const cells = predictions.map((prediction, index) => {
    const x = (index % columns) * cell
    const y = Math.floor(index / columns) * (cell + caption)
    return `<g transform="translate(${x},${y})">${drawing(prediction)}</g>`
  })
  const [width, height] = [columns * cell, rows * (cell + caption)]
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" text-anchor="middle">` +
    `<rect width="${width}" height="${height}" fill="white"/>${cells.join('')}</svg>\n`
  )
}

function drawing({ image, predicted, probability, label }: Prediction): string {
  const color = label === undefined ? '#333' : label === predicted ? '#1b7837' : '#b2182b'
  const small = label === undefined || label === predicted ? `${(100 * probability).toFixed(1)} %` : `${(100 * probability).toFixed(1)} %, is ${label}`
  return (
    `<image x="6" y="6" width="${cell - 12}" height="${cell - 12}" preserveAspectRatio="xMidYMid" style="image-rendering:pixelated" href="${pngUrl(image)}"/>` +
    `<text x="${cell / 2}" y="${cell + 8}" font-size="14" font-weight="bold" fill="${color}">${escapeText(predicted)}</text>` +
    `<text x="${cell / 2}" y="${cell + 23}" font-size="11" fill="${color}">${escapeText(small)}</text>`
  )
}
