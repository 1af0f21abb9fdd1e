/** `data inspect` and `bench data`. */
import test from 'ava'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cropped } from '../../lib/cli/pictures/contact_sheet.js'
import { trainingSteps, withFilter, type RandomStepValues } from '../../lib/cli/random_steps.js'
import {
  centerCrop,
  colorJitter,
  exifOrientation,
  flip,
  lighting,
  randAugment,
  randomCrop,
  randomErasing,
  randomResize,
  randomResizedCrop,
  resize,
  trivialAugment,
  type PreparationStep,
} from '../../lib/data/index.js'
import { stepsText } from '../../lib/data/prepare/steps.js'
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
  const { status, stdout } = await preresnet([
    'bench',
    'data',
    '--data',
    data,
    '--image',
    '8',
    '--worker-counts',
    '1,2',
    '--seconds',
    '0.1',
    '--python',
    'none',
    '--json',
  ])
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

const unsaid = {
  pad: undefined,
  flip: undefined,
  area: undefined,
  aspect: undefined,
  randomResize: undefined,
  filter: undefined,
  decode: undefined,
  randomResizedCrop: false,
  colorJitter: undefined,
  lighting: undefined,
  trivialAugment: false,
  randAugment: undefined,
  randomErasing: undefined,
  erasingArea: undefined,
  erasingAspect: undefined,
  erasingColor: undefined,
}
const usually = { pad: 4, flip: true }

test('flags of the random steps mean the steps that code has', async (t) => {
  const evaluate = [exifOrientation(), resize(9), centerCrop()]
  const steps = (values: Partial<RandomStepValues>): string => stepsText(trainingSteps({ ...unsaid, ...values }, evaluate, usually))
  const same = (values: Partial<RandomStepValues>, ...expected: readonly PreparationStep[]): boolean =>
    t.is(steps(values), stepsText([exifOrientation(), ...expected]))
  same({}, resize(9), centerCrop(), randomCrop({ pad: 4 }), flip())
  same({ pad: 0, flip: false }, resize(9), centerCrop())
  same({ decode: 'scaled', flip: false }, resize({ size: 9, decode: 'scaled' }), centerCrop(), randomCrop({ pad: 4 }))
  same({ randomResizedCrop: true }, randomResizedCrop(), flip())
  same(
    { randomResizedCrop: true, area: [0.25, 1], aspect: [1, 2], filter: 'bicubic', decode: 'exact', flip: false, pad: 0 },
    randomResizedCrop({ area: [0.25, 1], aspect: [1, 2], filter: 'bicubic', decode: 'exact' }),
  )
  same({ randomResize: [256, 480] }, randomResize({ from: 256, to: 480 }), randomCrop(), flip())
  // The filter of evaluation is that of training.
  const bicubic = withFilter(evaluate, { ...unsaid, filter: 'bicubic' })
  t.is(stepsText(bicubic), "exifOrientation(), resize({ size: 9, filter: 'bicubic' }), centerCrop()")
  t.is(
    stepsText(trainingSteps({ ...unsaid, randomResizedCrop: true, flip: false }, bicubic, usually)),
    stepsText([exifOrientation(), randomResizedCrop({ filter: 'bicubic' })]),
  )

  const data = await photos(await temporaryFolder(t))
  const words = ['--image', '8', '--resize', '9', '--filter', 'bicubic', '--random-resize', '9,12', '--decode', 'exact', '--json']
  const { status, stdout } = await preresnet(['data', 'inspect', '--data', data, ...words])
  t.is(status, 0)
  t.like(JSON.parse(stdout), {
    training: stepsText([randomResize({ from: 9, to: 12, filter: 'bicubic', decode: 'exact' }), randomCrop(), flip()]),
    evaluation: stepsText([resize({ size: 9, filter: 'bicubic' }), centerCrop()]),
  })
})

test('flags of the random steps that exclude each other, or would change nothing, are refused', (t) => {
  const refused = (values: Partial<RandomStepValues>, message: string, evaluate: readonly PreparationStep[] = [resize(9), centerCrop()]): void =>
    void t.throws(() => trainingSteps({ ...unsaid, ...values }, withFilter(evaluate, { ...unsaid, ...values }), usually), { code: 'ERR_OPTION', message })
  refused({ randomResizedCrop: true, randomResize: [9, 12] }, '--random-resize: expected nothing beside --random-resized-crop, got both')
  refused({ area: [0.5, 1] }, '--area: expected --random-resized-crop with it, got none')
  refused({ aspect: [0.5, 1], randomResize: [9, 12] }, '--aspect: expected --random-resized-crop with it, got none')
  refused({ randomResizedCrop: true, pad: 2 }, '--pad: expected 0 beside --random-resized-crop, which crops within the image, got 2')
  refused({ randomResizedCrop: true, area: [1, 0.5] }, '--area: expected the least and the largest, got 1,0.5')
  refused({ randomResize: [12, 9] }, '--random-resize: expected the least and the largest, got 12,9')
  refused({ randomResize: [9] }, '--random-resize: expected the least and the largest, got 9')
  refused({ randomResizedCrop: true, area: [0.1, 0.2, 0.3] }, '--area: expected the least and the largest, got 0.1,0.2,0.3')
  refused({ filter: 'bicubic' }, '--filter: expected steps that resize, as --resize gives, got no steps', [])
  refused({ decode: 'scaled' }, '--decode: expected steps that resize, as --resize gives, got centerCrop()', [centerCrop()])
})

test('flags of augmentations mean the steps that code has, behind what is cropped and before what is mirrored', (t) => {
  const evaluate = [resize(9), centerCrop()]
  const same = (values: Partial<RandomStepValues>, ...expected: readonly PreparationStep[]): boolean =>
    t.is(stepsText(trainingSteps({ ...unsaid, ...values }, evaluate, usually)), stepsText(expected))
  const cropped = { randomResizedCrop: true }
  same({ ...cropped, colorJitter: [0.4, 0, 0.2, 0.1] }, randomResizedCrop(), colorJitter({ brightness: 0.4, saturation: 0.2, hue: 0.1 }), flip())
  same({ ...cropped, colorJitter: [0.4], lighting: 0.2 }, randomResizedCrop(), colorJitter({ brightness: 0.4 }), lighting({ std: 0.2 }), flip())
  same({ ...cropped, randAugment: [3, 5], flip: false }, randomResizedCrop(), randAugment({ operations: 3, magnitude: 5 }))
  same(
    { ...cropped, trivialAugment: true, randomErasing: 0.1, erasingColor: [1, 2, 3], erasingArea: [0.1, 0.2], erasingAspect: [1, 2] },
    randomResizedCrop(),
    trivialAugment(),
    randomErasing({ probability: 0.1, color: [1, 2, 3], area: [0.1, 0.2], aspect: [1, 2] }),
    flip(),
  )
  // A border is cropped by the program, behind all that changes the image.
  same({ trivialAugment: true, randomErasing: 1 }, resize(9), centerCrop(), trivialAugment(), randomErasing({ probability: 1 }), randomCrop({ pad: 4 }), flip())
})

test('flags of augmentations that exclude each other, or are out of range, are refused by their names', (t) => {
  const refused = (values: Partial<RandomStepValues>, message: string | RegExp): void =>
    void t.throws(() => trainingSteps({ ...unsaid, ...values }, [], usually), { code: 'ERR_OPTION', message })
  refused({ trivialAugment: true, randAugment: [2, 9] }, '--rand-augment: expected nothing beside --trivial-augment, got both')
  refused({ randAugment: [2] }, '--rand-augment: expected the number of operations and their magnitude, got 2')
  refused({ randAugment: [2, 9, 31] }, '--rand-augment: expected the number of operations and their magnitude, got 2,9,31')
  refused({ randAugment: [2, 31] }, /^--rand-augment: randAugment: magnitude: expected an integer from 0 to 30, got 31/)
  refused({ colorJitter: [0, 0] }, '--color-jitter: expected 1 to 4 numbers, of which one is above 0, got 0,0')
  refused({ colorJitter: [1, 1, 1, 0.1, 1] }, '--color-jitter: expected 1 to 4 numbers, of which one is above 0, got 1,1,1,0.1,1')
  refused({ colorJitter: [0, 0, 0, 0.6] }, /^--color-jitter: colorJitter: hue: expected a number from 0 to 0.5, got 0.6/)
  refused({ erasingColor: [0] }, '--erasing-color: expected --random-erasing with it, got none')
  refused({ randomErasing: 1, erasingArea: [0.2, 0.1] }, '--erasing-area: expected the least and the largest, got 0.2,0.1')
  refused({ randomErasing: 1, erasingColor: [1, 2] }, /^--erasing-color: randomErasing: color: expected one number or three/)
})

test('the page of data inspect draws what augmentations make of images', async (t) => {
  const folder = await temporaryFolder(t)
  const data = await photos(join(folder, 'photos'))
  const page = async (name: string, ...words: readonly string[]): Promise<string[]> => {
    const sheet = join(folder, name)
    const given = ['--data', data, '--image', '8', '--resize', '8', '--pad', '0', '--no-flip', '--batch', '4', '--output', sheet]
    const { status, stderr } = await preresnet(['data', 'inspect', ...given, ...words])
    t.is(status, 0, stderr)
    return (await readFile(sheet, 'utf8')).match(/base64,[^"]+/g)!
  }
  const plain = await page('plain.html')
  const erased = await page('erased.html', '--random-erasing', '1', '--erasing-color', '9,99,199')
  t.is(erased.length, plain.length)
  // Nine are trained on; evaluation sees the others as they are.
  t.true(erased.slice(0, 9).every((image, index) => image !== plain[index]))
  t.deepEqual(erased.slice(9), plain.slice(9))
})
