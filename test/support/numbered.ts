/** Datasets whose images say their own numbers. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wholeFiles } from '../../lib/data/dataset.js'
import { loader, memoryDataset, type Dataset, type LoadedBatch, type LoaderOptions } from '../../lib/data/index.js'
import { rgbPng } from './png.js'

export const numberedShape = { height: 2, width: 3, channels: 3 }
export const numberedBytes = 18

/** Every image has its number, modulo 256, in each byte, and its number as the label. */
export function numbered(length: number): Promise<Dataset> {
  const images = Uint8Array.from({ length: length * numberedBytes }, (_, byte) => Math.floor(byte / numberedBytes))
  const labels = Array.from({ length }, (_, index) => index)
  return memoryDataset({ images, labels, ...numberedShape, classes: length })
}

/** The same as files, of which some are none that can be decoded. */
export async function numberedFiles(folder: string, length: number, corrupt: readonly number[] = []): Promise<Dataset> {
  await mkdir(folder, { recursive: true })
  const paths = Array.from({ length }, (_, index) => join(folder, `${index}.png`))
  for (const [index, path] of paths.entries())
    await writeFile(path, corrupt.includes(index) ? 'no image' : rgbPng(numberedShape.width, numberedShape.height, new Uint8Array(numberedBytes).fill(index)))
  return { ...(await numbered(length)), name: 'numbered', source: wholeFiles(paths) }
}

/** Copies of the batches from one to before another. */
export async function readBatches(dataset: Dataset, options: LoaderOptions, first: number, last: number): Promise<LoadedBatch[]> {
  await using batches = loader(dataset, options)
  const result: LoadedBatch[] = []
  for (let index = first; index < last; index++) result.push((await batches.next(index))!)
  return result
}

export const labelsOf = (batches: readonly LoadedBatch[]): number[] => batches.flatMap(({ labels }) => [...labels])
