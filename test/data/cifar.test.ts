/** Archives with few images, made here in each of the forms that the CIFAR archives come in. */
import test, { type ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { cifar10, cifar100 } from '../../lib/data/index.js'
import { readCifar } from '../../lib/data/cifar.js'
import { readCifarPickle } from '../../lib/data/cifar_pickle.js'
import { cifar100Layout, cifar10Layout, type CifarLayout, type CifarVariant } from '../../lib/data/cifar_layout.js'
import type { Dataset, MemorySource } from '../../lib/data/dataset.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { pickle2, pickle4 } from '../support/pickle.js'

const images = 4

const small = (layout: CifarLayout): CifarLayout => {
  const shrink = (variant: CifarVariant): CifarVariant => ({
    ...variant,
    train: variant.train.map(({ name }) => ({ name, images })),
    test: variant.test.map(({ name }) => ({ name, images })),
  })
  return { ...layout, binary: shrink(layout.binary), python: shrink(layout.python) }
}
const layouts = [small(cifar10Layout), small(cifar100Layout)]

/** Pixels by color and labels of one file of the archives. */
function contents(layout: CifarLayout, file: number): { planar: Uint8Array; labels: number[]; coarse: number[] } {
  const labels = Array.from({ length: images }, (_, image) => (file * 7 + image * 3) % layout.classes.length)
  return { planar: randomBytes(images * 3072, file + 1), labels, coarse: labels.map((label) => (label + 5) % 20) }
}

function binaryFile(layout: CifarLayout, file: number): Buffer {
  const { planar, labels, coarse } = contents(layout, file)
  const records = labels.map((label, image) =>
    Buffer.concat([Buffer.of(...(layout.labelBytes === 2 ? [coarse[image]!] : []), label), planar.subarray(image * 3072, (image + 1) * 3072)]),
  )
  return Buffer.concat(records)
}

function pythonEntries(layout: CifarLayout, file: number): Parameters<typeof pickle2>[0] {
  const { planar, labels, coarse } = contents(layout, file)
  const names = labels.map((label, image) => `${layout.classes[label]!}_s_${image}.png`)
  return { batch_label: 'some batch', [layout.labelKey]: labels, data: { rows: images, columns: 3072, bytes: planar }, filenames: names, coarse_labels: coarse }
}

/** As protocol 5 writes an array: its bytes in the stream, and a call that makes an array of them. */
function pickle5(layout: CifarLayout, file: number, buffer = Buffer.of()): Buffer {
  const { planar, labels } = contents(layout, file)
  const text = (value: string): Buffer => Buffer.from(value, 'latin1')
  const key = (value: string): Buffer => Buffer.concat([Buffer.of(0x8c, value.length), text(value)])
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(planar.length))
  const bytes = buffer.length > 0 ? buffer : Buffer.concat([Buffer.of(0x96), length, planar])
  const type = Buffer.concat([
    text('cnumpy\ndtype\n'),
    key('u1'),
    Buffer.of(0x89, 0x88, 0x87),
    text('R(K\x03'),
    key('|'),
    text('NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'),
  ])
  const shape = Buffer.concat([Buffer.of(0x4b, images, 0x4d, 0x00, 0x0c, 0x86)])
  const data = Buffer.concat([text('cnumpy.core.numeric\n_frombuffer\n('), bytes, type, shape, key('C'), text('tR')])
  const list = Buffer.concat([text(']('), ...labels.map((label) => Buffer.of(0x4b, label)), text('e')])
  return Buffer.concat([Buffer.of(0x80, 5), text('}('), key(layout.labelKey), list, key('data'), data, text('u.')])
}

async function writeFiles(folder: string, variant: CifarVariant, make: (file: number) => Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [index, { name }] of [...variant.train, ...variant.test].entries()) await writeFile(join(folder, name), make(index))
  await writeFile(join(folder, 'readme.html'), 'not read')
}

function check(t: ExecutionContext, layout: CifarLayout, dataset: Dataset, files: readonly number[]): void {
  const expected = files.flatMap((file) => {
    const { planar } = contents(layout, file)
    return Array.from({ length: images * 3072 }, (_, index) => planar[Math.floor(index / 3072) * 3072 + (index % 3) * 1024 + Math.floor((index % 3072) / 3)]!)
  })
  t.deepEqual(
    [...dataset.labels],
    files.flatMap((file) => contents(layout, file).labels),
  )
  const source = dataset.source as MemorySource
  t.deepEqual(source.shape, { height: 32, width: 32, channels: 3 })
  t.true(Buffer.from(expected).equals(source.images))
}

for (const layout of layouts) {
  const count = layout.binary.train.length
  const trainFiles = [...Array(count).keys()]

  test(`${layout.name}: binary, python, unpacked and packed give the same images`, async (t) => {
    const folder = await temporaryFolder(t)
    const found: Record<string, Awaited<ReturnType<typeof readCifar>>> = {}
    await writeFiles(join(folder, 'bin', layout.binary.folder), layout.binary, (file) => binaryFile(layout, file))
    await writeFiles(join(folder, 'py', layout.python.folder), layout.python, (file) => pickle2(pythonEntries(layout, file)))
    await writeFiles(join(folder, 'py4', layout.python.folder), layout.python, (file) => pickle4(pythonEntries(layout, file)))
    found['binary folder'] = await readCifar(join(folder, 'bin', layout.binary.folder), layout)
    found['folder above'] = await readCifar(join(folder, 'bin'), layout)
    found['python folder'] = await readCifar(join(folder, 'py'), layout)
    await writeFiles(join(folder, 'py5', layout.python.folder), layout.python, (file) => pickle5(layout, file))
    found['protocol 5 folder'] = await readCifar(join(folder, 'py5'), layout)
    found['python 3 folder'] = await readCifar(join(folder, 'py4'), layout)
    for (const [kind, variant] of [['bin', layout.binary] as const, ['py', layout.python] as const]) {
      const archive = join(folder, kind, variant.archive)
      await promisify(execFile)('tar', ['-czf', archive, '-C', join(folder, kind), variant.folder])
      const plain = archive.replace(/\.gz$/, '')
      await promisify(execFile)('tar', ['--format=ustar', '-cf', plain, '-C', join(folder, kind), variant.folder])
      found[`${kind} tar`] = await readCifar(plain, layout)
      await rm(join(folder, kind, variant.folder), { recursive: true })
      await rename(archive, `${archive}.away`)
      found[`${kind} folder with the tar`] = await readCifar(join(folder, kind), layout)
      await rename(`${archive}.away`, archive)
      found[`${kind} archive`] = await readCifar(archive, layout)
      found[`${kind} folder with the archive`] = await readCifar(join(folder, kind), layout)
    }
    t.is(Object.keys(found).length, 13)
    for (const { train, test: rest } of Object.values(found)) {
      check(t, layout, train, trainFiles)
      check(t, layout, rest, [count])
      t.is(train.fingerprint, found['binary folder'].train.fingerprint)
    }
  })
}

const [ten] = layouts as [CifarLayout, CifarLayout]

async function binaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await temporaryFolder(t)
  await writeFiles(folder, ten.binary, (file) => binaryFile(ten, file))
  return folder
}

async function refused(t: ExecutionContext, folder: string, code: string, message: RegExp): Promise<void> {
  const error = await t.throwsAsync(readCifar(folder, ten), { code })
  t.regex(error.message, message)
}

test('a file of the wrong size is refused with both sizes', async (t) => {
  const folder = await binaryFolder(t)
  const path = join(folder, 'data_batch_3.bin')
  await writeFile(path, (await readFile(path)).subarray(0, 5000))
  await refused(t, folder, 'ERR_FILE', /data_batch_3.bin: expected 12292 bytes \(4 images\), got 5000/)
})

test('a missing file is named', async (t) => {
  const folder = await binaryFolder(t)
  await rm(join(folder, 'test_batch.bin'))
  await refused(t, folder, 'ERR_FILE', /test_batch.bin/)
})

test('a label out of range is refused', async (t) => {
  const folder = await binaryFolder(t)
  const path = join(folder, 'data_batch_2.bin')
  const bytes = await readFile(path)
  bytes[2 * 3073] = 10
  await writeFile(path, bytes)
  await refused(t, folder, 'ERR_DATASET', /cifar10\/train: label of image 6: expected 0 to 9, got 10/)
})

test('a folder without any of it says what was looked for', async (t) => {
  const folder = await temporaryFolder(t)
  await refused(t, folder, 'ERR_FILE', /expected cifar10 as cifar-10-binary.tar.gz or cifar-10-python.tar.gz/)
  await refused(t, join(folder, 'nowhere'), 'ERR_FILE', /no such file/)
  await t.throwsAsync(cifar10(folder), { code: 'ERR_FILE' })
  await t.throwsAsync(cifar100(folder), { code: 'ERR_FILE' })
  await t.throwsAsync(cifar10(undefined as unknown as string), { code: 'ERR_OPTION' })
})

test('the real archives hold 10,000 images a file', async (t) => {
  const folder = await binaryFolder(t)
  const error = await t.throwsAsync(cifar10(folder), { code: 'ERR_FILE' })
  t.regex(error.message, /expected 30730000 bytes \(10000 images\), got 12292/)
})

test('an archive that is cut, damaged, incomplete or no archive is refused', async (t) => {
  const folder = await binaryFolder(t)
  const packed = async (name: string, ...files: readonly string[]): Promise<string> => {
    await promisify(execFile)('tar', ['-czf', join(folder, name), '-C', folder, ...files])
    return join(folder, name)
  }
  const all = [...ten.binary.train, ...ten.binary.test].map(({ name }) => name)
  const whole = await packed('whole.tar.gz', ...all)
  const bytes = await readFile(whole)
  const other = join(folder, 'other.tar.gz')
  for (const length of [0, 10, 1000, bytes.length >> 1, bytes.length - 1]) {
    await writeFile(other, bytes.subarray(0, length))
    await refused(t, other, 'ERR_FILE', /other.tar.gz/)
  }
  const damaged = Buffer.from(bytes)
  damaged[bytes.length >> 1]! ^= 0x55
  await writeFile(other, damaged)
  await refused(t, other, 'ERR_FILE', /other.tar.gz/)
  await writeFile(other, 'hello')
  await refused(t, other, 'ERR_FILE', /other.tar.gz/)
  await refused(t, await packed('part.tar.gz', ...all.slice(1)), 'ERR_FILE', /data_batch_1.bin/)
})

test('an archive of which much is left to read when it is refused says why, not that reading was aborted', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'other.tar.gz')
  const noise = Buffer.from(randomBytes(4_000_000, 1))
  await writeFile(path, gzipSync(noise, { level: 1 }))
  await refused(t, path, 'ERR_FILE', /other.tar.gz: cannot be read as a .tar.gz archive: (TAR_|invalid base256 encoding)/)
  await writeFile(path, gzipSync(noise, { level: 1 }).subarray(0, 2_000_000))
  await refused(t, path, 'ERR_FILE', /other.tar.gz: cannot be read as a .tar.gz archive: (TAR_|invalid base256 encoding)/)
  await writeFile(join(folder, 'data_batch_1.bin'), 'short')
  await writeFile(join(folder, 'data_batch_2.bin'), noise)
  await promisify(execFile)('tar', ['-czf', path, '-C', folder, 'data_batch_1.bin', 'data_batch_2.bin'])
  await refused(t, path, 'ERR_FILE', /data_batch_1.bin: expected 12292 bytes \(4 images\), got 5$/)
})

test('a pickle that names anything else is refused, and nothing is run', async (t) => {
  const folder = await temporaryFolder(t)
  const write = async (bytes: Uint8Array): Promise<void> => writeFiles(folder, ten.python, () => bytes)
  const marker = join(folder, 'ran')
  await write(Buffer.from(`cos\nsystem\n(U\x20touch ${marker}\ntR.`, 'latin1'))
  await refused(t, folder, 'ERR_FILE', /it names os.system, which is not allowed/)
  await t.throwsAsync(readFile(marker))
  await write(Buffer.from('\x80\x02cnumpy\ndtype\nU\x02O8\x85R.', 'latin1'))
  await refused(t, folder, 'ERR_FILE', /expected a dictionary/)
  await write(pickle5(ten, 0, Buffer.of(0x97)))
  await refused(t, folder, 'ERR_FILE', /its bytes are kept elsewhere \(a buffer of pickle protocol 5 that is not in the file\)/)
  await write(Buffer.from('i', 'latin1'))
  await refused(t, folder, 'ERR_FILE', /opcode 0x69/)
})

test('a pickle that is cut anywhere, or of other sizes, is refused', async (t) => {
  const folder = await temporaryFolder(t)
  // The first file that is read.
  const write = async (bytes: Uint8Array): Promise<void> => writeFile(join(folder, 'data_batch_1'), bytes)
  const whole = pickle2(pythonEntries(ten, 0))
  for (let length = 0; length < whole.length; length += length < 300 ? 7 : 1111) {
    await write(whole.subarray(0, length))
    await refused(t, folder, 'ERR_FILE', /data_batch_1: truncated/)
  }
  const { planar, labels } = contents(ten, 0)
  await write(pickle2({ labels, data: { rows: 2, columns: 6144, bytes: planar } }))
  await refused(t, folder, 'ERR_FILE', /expected data of 4 x 3072 bytes, got 2 x 6144/)
  await write(pickle2({ labels, data: { rows: 4, columns: 3000, bytes: planar } }))
  await refused(t, folder, 'ERR_FILE', /expected 12000 bytes for an array of 4 x 3000, got 12288/)
  await write(pickle2({ labels: labels.slice(1), data: { rows: 4, columns: 3072, bytes: planar } }))
  await refused(t, folder, 'ERR_FILE', /expected 4 labels, got 3/)
  await write(pickle2({ data: { rows: 4, columns: 3072, bytes: planar } }))
  await refused(t, folder, 'ERR_FILE', /expected 4 labels, got none/)
})

test('a pickle whose array is of another type is refused in one line', (t) => {
  const bytes = pickle2({ data: { rows: 1, columns: 2, bytes: new Uint8Array(2) } })
  bytes.write('u\n', bytes.indexOf('u1'))
  t.throws(() => readCifarPickle(bytes, 'batch'), {
    code: 'ERR_FILE',
    message: 'batch: not a pickle of a CIFAR archive: expected an array of type u1, got u\\x0a',
  })
})
