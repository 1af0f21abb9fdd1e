/** A small folder of PNG images that a small network can learn: the bright half says the class. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodePng } from '../../lib/cli/pictures/png.js'

export const classes = ['left', 'right', 'upper'] as const
const side = 12

export async function writeImageFolder(directory: string, train: number, test: number): Promise<void> {
  for (const [split, count] of [
    ['train', train],
    ['test', test],
  ] as const) {
    for (const name of classes) {
      await mkdir(join(directory, split, name), { recursive: true })
      for (let index = 0; index < count; index++)
        await writeFile(join(directory, split, name, `${index}.png`), image(name, index + (split === 'test' ? 1000 : 0)))
    }
  }
}

export function image(name: (typeof classes)[number], variant: number): Buffer {
  const bright = (row: number, column: number) => (name === 'left' ? column < side / 2 : name === 'right' ? column >= side / 2 : row < side / 2)
  const values = Uint8Array.from({ length: side * side * 3 }, (_, index) => {
    const pixel = Math.floor(index / 3)
    const noise = ((index * 73 + variant * 151) % 97) - 48
    return Math.max(0, Math.min(255, (bright(Math.floor(pixel / side), pixel % side) ? 180 : 70) + noise))
  })
  return encodePng({ height: side, width: side, channels: 3, values })
}
