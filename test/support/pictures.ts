/** Pictures of several sizes, and a network for three classes of them. */
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { centerCrop, imageFolder, resize, type Dataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { randomBytes } from './bytes.js'
import { writeFiles } from './files.js'
import { temporaryFolder } from './folder.js'
import { rgbPng } from './png.js'

export const side = 12
export const input = { height: side, width: side, channels: 3 }
export const net = preResNet({ family: 'cifar', depth: 8, classes: 3, input })
export const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] }
export const steps = [resize(14), centerCrop()]
export const settings = { batch: 4, seed: 5, threads: 1, precision: 'fp32' } as const
const sizes = [
  [16, 20],
  [21, 15],
  [14, 14],
  [30, 18],
  [14, 19],
] as const
export const pictures = sizes.map(([height, width], index) => rgbPng(width, height, randomBytes(height * width * 3, index + 1)))

/** The same in `train` and `test`. */
export async function pictureFolder(
  t: ExecutionContext,
  more: Readonly<Record<string, Buffer>> = {},
): Promise<{ readonly path: string; readonly files: Dataset }> {
  const path = await temporaryFolder(t)
  const named = pictures.map((picture, index) => [`${'abc'[index % 3]!}/${index}.png`, picture] as const)
  for (const part of ['train', 'test'])
    await writeFiles(path, Object.fromEntries([...named, ...Object.entries(more)].map(([name, file]) => [join(part, name), file])))
  return { path, files: await imageFolder(join(path, 'test')) }
}
