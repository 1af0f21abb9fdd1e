/** `data inspect` and `bench data`. */
import test from 'ava'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cropped } from '../../lib/cli/pictures/contact_sheet.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'
import { preresnet } from './run.js'

async function photos(folder: string): Promise<string> {
  const image = (width: number, height: number, value: number): Buffer => rgbPng(width, height, new Uint8Array(width * height * 3).fill(value))
  const files: Record<string, Buffer> = { 'test/ant/0.png': image(8, 8, 1), 'test/bee/0.png': image(8, 8, 2) }
  for (let index = 0; index < 6; index++) files[`train/ant/${index}.png`] = image(8 + index, 9, 10 + index)
  for (let index = 0; index < 3; index++) files[`train/bee/${index}.png`] = image(8, 8, 200 + index)
  await writeFiles(folder, files)
  await writeFile(join(folder, 'train/bee/2.png'), 'no image')
  return folder
}

test('data inspect counts images, classes and sizes, names what is corrupt, and draws a page', async (t) => {
  const folder = await temporaryFolder(t)
  const data = await photos(join(folder, 'photos'))
  const sheet = join(folder, 'sheet.html')
  const words = ['data', 'inspect', '--data', data, '--image', '8', '--resize', '8', '--batch', '4', '--output', sheet]
  const { status, stdout } = await preresnet([...words, '--json'])
  t.is(status, 0)
  const result = JSON.parse(stdout) as { corrupt: { sample: number; reason: string }[]; epochSeconds: number; imagesPerSecond: number }
  t.like(result, {
    images: 9,
    classes: ['ant', 'bee'],
    imagesPerClass: [6, 3],
    sizes: { smallest: { height: 8, width: 8 }, median: { height: 9, width: 9 }, largest: { height: 9, width: 13 } },
    evaluation: 'resize(8), centerCrop()',
    sheet,
  })
  t.is(result.corrupt.length, 1)
  t.is(result.corrupt[0]!.sample, 8)
  t.true(result.corrupt[0]!.reason.startsWith(`${join(data, 'train/bee/2.png')}: `))
  t.true(Math.abs(result.epochSeconds * result.imagesPerSecond - 9) < 1e-9)
  const page = await readFile(sheet, 'utf8')
  // Nine in training, one of them twice in the place of the corrupt one; eight in evaluation.
  t.is(page.match(/<figure><img src="data:image\/png;base64,/g)?.length, 17)
  t.true(page.includes('<figcaption>ant: 5.png</figcaption>'))
  t.false(page.includes('bee: 2.png'))

  const text = await preresnet(words)
  t.regex(text.stdout, /^images +9$/m)
  t.regex(text.stdout, /^classes +2, of 3 to 6 images$/m)
  t.regex(text.stdout, /^corrupt images +1$/m)
  t.regex(text.stderr, /^corrupt: .*2\.png: /m)
})

test('bench data gives a rate for each stage and number of workers', async (t) => {
  const data = await photos(await temporaryFolder(t))
  const { status, stdout } = await preresnet(['bench', 'data', '--data', data, '--image', '8', '--worker-counts', '1,2', '--seconds', '0.1', '--json'])
  t.is(status, 0)
  const { rates } = JSON.parse(stdout) as { rates: { stage: string; workers: number; imagesPerSecond: number }[] }
  t.deepEqual(
    rates.map(({ stage, workers }) => `${stage} ${workers}`),
    ['read 1', 'evaluate 1', 'train 1', 'read 2', 'evaluate 2', 'train 2'],
  )
  t.true(rates.every(({ imagesPerSecond }) => imagesPerSecond > 0))
})

test('a picture is the crop that a program makes', (t) => {
  const shape = { height: 2, width: 3, channels: 1 }
  const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6)
  t.deepEqual([...cropped({ pixels, top: 1, left: 1, mirrored: false }, shape, 1)], [1, 2, 3, 4, 5, 6])
  t.deepEqual([...cropped({ pixels, top: 0, left: 2, mirrored: false }, shape, 1)], [128, 128, 128, 2, 3, 128])
  t.deepEqual([...cropped({ pixels, top: 1, left: 2, mirrored: true }, shape, 1)], [128, 3, 2, 128, 6, 5])
})
