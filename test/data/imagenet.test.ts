/** Folders as those of ILSVRC 2012, with a made-up devkit: test/fixtures/imagenet/make.py. */
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageNetFolder, loader, type RangeSource } from '../../lib/data/index.js'
import { preresnet } from '../cli/run.js'
import { readStructs } from '../../lib/data/imagenet/mat.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const fixture = (name: string): string => new URL(`../../../test/fixtures/imagenet/${name}`, import.meta.url).pathname
const image = (seed: number): Buffer => rgbPng(8, 8, randomBytes(192, seed))
const devkit = 'ILSVRC2012_devkit_t12/data'
const list = `${devkit}/ILSVRC2012_validation_ground_truth.txt`
const valid = (number: number): string => `val/ILSVRC2012_val_${String(number).padStart(8, '0')}.JPEG`

/** Numbers of the devkit, of validation images 1 to 4: crane, tench, tench, goldfish. */
async function tree(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, {
    'train/n02012849/n02012849_1.JPEG': image(1),
    'train/n01440764/n01440764_7.JPEG': image(2),
    'train/n01440764/n01440764_8.JPEG': image(3),
    ...Object.fromEntries([4, 2, 3, 1].map((number) => [valid(number), image(10 + number)])),
    [list]: '1\n3\n3\n2\n',
    [`${devkit}/meta.mat`]: await readFile(fixture('meta.mat')),
  })
  return folder
}

test('all 1,000 classes are there in the usual order, and folders have theirs', async (t) => {
  const folder = await tree(t)
  const { classes, labels, source, name } = await imageNetFolder(folder, { split: 'train' })
  t.is(classes.length, 1000)
  t.is(new Set(classes).size, 1000)
  t.deepEqual([classes[0], classes[1], classes[134], classes[517], classes[999]], [
    'n01440764 tench, Tinca tinca',
    'n01443537 goldfish, Carassius auratus',
    'n02012849 crane',
    'n03126707 crane',
    'n15075141 toilet tissue, toilet paper, bathroom tissue',
  ]) // prettier-ignore
  t.deepEqual([...classes], [...classes].sort())
  t.is(name, join(folder, 'train'))
  t.deepEqual([...labels], [0, 0, 134])
  t.is((source as RangeSource).file.length, 3)
  await writeFiles(folder, { 'train/n00000001/1.JPEG': image(4) })
  const error = await t.throwsAsync(imageNetFolder(folder, { split: 'train' }), { code: 'ERR_DATASET' })
  t.is(error.message, `${folder}/train: expected one of the 1,000 WNIDs of ILSVRC 2012, as n01440764, got n00000001`)
})

test('labels of validation images are those of the devkit, whose numbers are in another order than the WNIDs', async (t) => {
  const folder = await tree(t)
  const images = await imageNetFolder(folder, { split: 'validation' })
  t.deepEqual([...images.labels], [134, 0, 0, 1])
  await using batches = loader(images, { batch: 4, mode: 'evaluate', input: { height: 8, width: 8, channels: 3 } })
  const batch = await batches.next(0)
  t.deepEqual(
    Buffer.from(batch!.images),
    Buffer.concat([1, 2, 3, 4].map((number) => Buffer.from(randomBytes(192, 10 + number)))),
    'in the order of their numbers',
  )
  // In another place, and with folders of classes in place of the list.
  await rename(join(folder, 'ILSVRC2012_devkit_t12'), join(folder, 'devkit'))
  t.is((await imageNetFolder(folder, { split: 'validation', devkit: join(folder, 'devkit') })).fingerprint, images.fingerprint)
  await rm(join(folder, 'val'), { recursive: true })
  await writeFiles(folder, { 'val/n01443537/1.JPEG': image(1) })
  t.deepEqual([...(await imageNetFolder(folder, { split: 'validation' })).labels], [1])
})

test('a devkit that is missing or is not of these images is an error that says so', async (t) => {
  const folder = await tree(t)
  const refused = async (code: string, message: RegExp): Promise<void> => {
    await t.throwsAsync(imageNetFolder(folder, { split: 'validation' }), { code, message })
  }
  const lines = (text: string): Promise<void> => writeFile(join(folder, list), text)
  await lines('1\n3\n3\n')
  await refused(
    'ERR_DATASET',
    /val: expected one image for each of the 3 lines of .*ground_truth\.txt, as ILSVRC2012_val_00000001\.JPEG, got ILSVRC2012_val_00000004/,
  )
  await lines('1\n3\n3\n2\n2\n')
  await refused('ERR_DATASET', /val: expected 5 images, as .*ground_truth\.txt has lines, got 4/)
  await lines('1\n3\n4\n2\n')
  await refused('ERR_DATASET', /ground_truth\.txt: line 3: expected the number of a class in .*meta\.mat, got "4"/)
  // Above the classes there are no images.
  await lines('1\n3\n1001\n2\n')
  await refused('ERR_DATASET', /line 3: expected the number of a class/)
  await lines('1\n\n3\n2\n')
  await refused('ERR_DATASET', /line 2: expected the number of a class in .*, got ""/)
  await lines('1\r\n3\r\n3\r\n2\r\n')
  t.deepEqual([...(await imageNetFolder(folder, { split: 'validation' })).labels], [134, 0, 0, 1])
  await writeFiles(folder, { 'val/other.txt': '' })
  await refused('ERR_DATASET', /got other\.txt$/)
  await rm(join(folder, 'val/other.txt'))
  await writeFiles(folder, { [valid(4).replace('.JPEG', '.jpg')]: image(9) })
  await refused('ERR_DATASET', /got ILSVRC2012_val_00000004\.jpg$/)
  await rm(join(folder, devkit, 'meta.mat'))
  await refused(
    'ERR_FILE',
    /meta\.mat: cannot be read: ENOENT.*; labels of validation images in one folder are in the devkit of ILSVRC 2012, whose archive is to be/,
  )
  await rm(join(folder, 'ILSVRC2012_devkit_t12'), { recursive: true })
  await refused('ERR_FILE', /ground_truth\.txt: cannot be read: ENOENT.*devkit of ILSVRC 2012/)
  await rm(join(folder, 'train'), { recursive: true })
  await t.throwsAsync(imageNetFolder(folder, { split: 'train' }), { code: 'ERR_FILE', message: /train: cannot be read/ })
  await writeFiles(folder, { 'train/1.JPEG': image(1) })
  await t.throwsAsync(imageNetFolder(folder, { split: 'train' }), { code: 'ERR_DATASET', message: /train: expected one folder for each WNID, got no folder/ })
  await t.throwsAsync(imageNetFolder(folder, {} as never), { code: 'ERR_OPTION', message: /split/ })
})

test("structs of MATLAB's files are read, and what is none is refused in one line", async (t) => {
  const folder = await temporaryFolder(t)
  const structs = await readStructs(fixture('meta.mat'), 'synsets')
  t.deepEqual(
    structs.map((struct) => [struct.get('ILSVRC2012_ID'), struct.get('WNID'), struct.get('words'), struct.get('gloss'), struct.get('num_children')]),
    [
      [1, 'n02012849', 'crane', 'a bird', 0],
      [2, 'n01443537', 'goldfish, Carassius auratus', 'a fish', 0],
      [3, 'n01440764', 'tench, Tinca tinca', '', 0],
      [1001, 'n00001740', 'entity', 'what is', 3],
    ],
  )
  t.deepEqual(await readStructs(fixture('meta-plain.mat'), 'synsets'), structs)
  const refused = (path: string, message: RegExp): Promise<unknown> => t.throwsAsync(readStructs(path, 'synsets'), { code: 'ERR_FILE', message })
  await t.throwsAsync(readStructs(fixture('meta.mat'), 'others'), { code: 'ERR_FILE', message: /expected an array of structs called others/ })
  await refused(fixture('make.py'), /make\.py: expected a MATLAB file of version 5/)
  await refused(join(folder, 'none'), /cannot be read: ENOENT/)
  const path = join(folder, 'changed.mat')
  for (const name of ['meta.mat', 'meta-plain.mat']) {
    const bytes = await readFile(fixture(name))
    for (let at = 128; at < bytes.length; at += 5) {
      await writeFile(path, Buffer.concat([bytes.subarray(0, at), Buffer.of(bytes[at]! ^ 0x5a), bytes.subarray(at + 1, at % 2 === 0 ? at + 9 : undefined)]))
      const error = await readStructs(path, 'synsets').catch((reason: unknown) => reason)
      if (!Array.isArray(error)) t.regex(String(error), /changed\.mat: (malformed: |expected an array of structs)/)
    }
  }
})

/** An element of a MATLAB file; it ends at a multiple of eight bytes. */
function element(type: number, data: Uint8Array): Buffer {
  const tag = Buffer.alloc(8)
  tag.writeUInt32LE(type, 0)
  tag.writeUInt32LE(data.length, 4)
  return Buffer.concat([tag, data, Buffer.alloc(-data.length & 7)])
}

function matrix(kind: number, name: string, ...values: readonly Buffer[]): Buffer {
  const dimensions = new Uint8Array(Int32Array.of(1, 1).buffer)
  return element(14, Buffer.concat([element(6, Uint8Array.of(kind, 0, 0, 0, 0, 0, 0, 0)), element(5, dimensions), element(1, Buffer.from(name)), ...values]))
}

test("MATLAB itself stores numbers as what is short, and texts in UTF-16: these are read as SciPy's", async (t) => {
  const numbers = {
    int8: [1, Int8Array.of(-5), -5],
    uint8: [2, Uint8Array.of(200), 200],
    int16: [3, Int16Array.of(-300), -300],
    uint16: [4, Uint16Array.of(65000), 65000],
    int32: [5, Int32Array.of(-70000), -70000],
    uint32: [6, Uint32Array.of(3000000000), 3000000000],
    single: [7, Float32Array.of(0.5), 0.5],
    double: [9, Float64Array.of(1300.25), 1300.25],
  } as const
  const fields = [...Object.entries(numbers).map(([name, [type, { buffer }]]) => [name, matrix(6, '', element(type, new Uint8Array(buffer)))] as const)]
  fields.push(['text', matrix(4, '', element(4, Buffer.from('Tinca t\u00e4nca', 'utf16le')))])
  const names = Buffer.concat(fields.map(([name]) => Buffer.from(name.padEnd(8, '\0'))))
  const struct = matrix(2, 'synsets', element(5, Buffer.of(8, 0, 0, 0)), element(1, names), ...fields.map(([, value]) => value))
  const header = Buffer.alloc(128)
  header.write('\0\x01IM', 124, 'latin1')
  const path = join(await temporaryFolder(t), 'made.mat')
  await writeFile(path, Buffer.concat([header, struct]))
  const expected = [...Object.entries(numbers).map(([name, [, , value]]) => [name, value]), ['text', 'Tinca t\u00e4nca']]
  t.deepEqual(
    (await readStructs(path, 'synsets')).map((found) => [...found]),
    [expected] as never,
  )
})

test('imagenet:DIR on the command line has both sets', async (t) => {
  const folder = await tree(t)
  const { status, stdout, stderr } = await preresnet(['data', 'inspect', '--data', `imagenet:${folder}`, '--image', '8', '--split', 'validation', '--json'])
  t.is(status, 0, stderr)
  const { images, classes } = JSON.parse(stdout) as { images: number; classes: readonly string[] }
  t.deepEqual([images, classes.length], [4, 1000])
  const without = await preresnet(['data', 'inspect', '--data', 'imagenet:'])
  t.regex(without.stderr, /--data: expected imagenet:DIR, got imagenet: without a directory/)
})
