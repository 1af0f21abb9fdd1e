/** examples/ as their users run them: in a folder of their own, which has the files that they read. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { memoryDataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { bottleneck, resnet, writeFile as writeWeights } from '../exchange/files.js'
import { randomBytes } from './bytes.js'
import { temporaryFolder } from './folder.js'
import { rgbPng } from './png.js'

/** What each example prints; the service has tests of its own. */
export const printed: Readonly<Record<string, RegExp>> = {
  classify: /^(ant|bee|cat|dog) 0\.\d+\n$/,
  'export-onnx': /^$/,
  'fine-tuning': /^$/,
  'import-weights': /^$/,
  networks: /^preresnet-164 .*\npreresnet-56 .*\nresnet-110-exclusive-gating .*\n$/,
  'not-finite': /^$/,
  'own-loop': /^10 64 50176 \d \d+\n11 64 50176 \d \d+\n768\n$/,
  'own-images': /^10240 10\n$/,
  preparation: /^$/,
  'own-network': /steps: 100,[\s\S]*\[ 16, 1, 3, 3 \]/,
  ranks: /^0\.\d+\n$/,
  requests: /^(ant|bee|cat|dog)\n4 4 64\n\{ answered: 2, failed: 0, aborted: 0, refused: 0 \}\n$/,
  shortest: /^$/,
  'train-digits': /^(step \d+: \d+ of 2004 wrong\n){2}$/,
  'train-photos': /^$/,
}

const compiled = join(import.meta.dirname, '../../examples')
const side = 40

/** Runs one example; answers its folder, and what it printed. */
export async function runExample(t: ExecutionContext, name: string): Promise<{ readonly folder: string; readonly printed: string }> {
  const folder = await temporaryFolder(t)
  const text = await readFile(join(compiled, `${name}.js`), 'utf8')
  if (text.includes("'resnet50.safetensors'")) await writeWeights(join(folder, 'resnet50.safetensors'), resnet(bottleneck))
  if (/(load|startFrom|exportOnnx)\('model\.safetensors'/.test(text)) await writeModel(join(folder, 'model.safetensors'))
  if (text.includes("'picture.jpg'")) await writeFile(join(folder, 'picture.jpg'), image(1))
  if (text.includes("'photos'")) await writePhotos(join(folder, 'photos'))
  const { stdout } = await promisify(execFile)(process.execPath, [join(compiled, `${name}.js`)], { cwd: folder })
  return { folder, printed: stdout }
}

const image = (variant: number): Buffer => rgbPng(side, side, randomBytes(side * side * 3, variant))

async function writeModel(path: string): Promise<void> {
  const size = { height: 12, width: 12, channels: 3 }
  const data = await memoryDataset({ ...size, images: randomBytes(4 * 12 * 12 * 3, 2), labels: [0, 1, 2, 3], classes: ['ant', 'bee', 'cat', 'dog'] })
  await using session = await compile(preResNet({ family: 'cifar', depth: 8, classes: 4, input: size }), { data, prepare: {}, batch: 4, threads: 1 })
  await session.save(path)
}

/** As many images to train on as a batch of `fit` has by default, and a few to test. */
async function writePhotos(directory: string): Promise<void> {
  for (const [part, count] of [
    ['train', 64],
    ['test', 4],
  ] as const) {
    for (const [index, label] of ['cat', 'dog'].entries()) {
      const folder = join(directory, part, label)
      await mkdir(folder, { recursive: true })
      for (let number = 0; number < count; number++) await writeFile(join(folder, `${number}.png`), image(2 * number + index))
    }
  }
}
