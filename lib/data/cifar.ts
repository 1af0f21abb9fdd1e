import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { string } from '../options/values.js'
import { readRegularFile, unreadable } from '../regular_file.js'
import { readArchive } from './archive.js'
import { cifar100Layout, cifar10Layout, type CifarFile, type CifarLayout, type CifarVariant } from './cifar_layout.js'
import type { Dataset, DataSplit } from './dataset.js'
import { memoryDataset } from './memory.js'
import { ByteArray, readCifarPickle } from './cifar_pickle.js'

const side = 32
const plane = side * side
const pixels = 3 * plane

/**
 * Reads CIFAR-10: 50,000 images of 32 x 32 to train on and 10,000 to test, in memory; the paper's Section 4 and Table 3 are on it.
 * @param directory - Where the binary or the python archive lies (as .tar.gz or unpacked), or the archive itself.
 * @throws ERR_FILE where something is missing, truncated or malformed.
 * @throws ERR_DATASET where a label is out of range.
 * @throws ERR_OPTION where the directory is no string.
 */
export function cifar10(directory: string): Promise<DataSplit> {
  return readCifar(directory, cifar10Layout)
}

/**
 * Reads CIFAR-100 with its fine labels; otherwise it does as `cifar10` does.
 * @param directory - Where the binary or the python archive lies (as .tar.gz or unpacked), or the archive itself.
 * @throws ERR_FILE where something is missing, truncated or malformed.
 * @throws ERR_DATASET where a label is out of range.
 * @throws ERR_OPTION where the directory is no string.
 */
export function cifar100(directory: string): Promise<DataSplit> {
  return readCifar(directory, cifar100Layout)
}

/** The same for any numbers of images. */
export async function readCifar(directory: string, layout: CifarLayout): Promise<DataSplit> {
  string(`${layout.name}: directory`, directory)
  const found = await locate(directory, layout)
  const train = new Part(`${layout.name}/train`, layout, (variant) => variant.train)
  const test = new Part(`${layout.name}/test`, layout, (variant) => variant.test)
  const receive = (file: string, contents: Uint8Array): boolean => train.receive(file, contents) || test.receive(file, contents)
  if (found.kind === 'archive') {
    await readArchive(found.path, new Set([...train.files.keys(), ...test.files.keys()]), receive)
  } else {
    for (const { name } of [...found.variant.train, ...found.variant.test]) {
      receive(name, await readRegularFile(join(found.path, name)))
    }
  }
  return { train: await train.dataset(found.path), test: await test.dataset(found.path) }
}

type Location = { readonly kind: 'archive'; readonly path: string } | { readonly kind: 'folder'; readonly path: string; readonly variant: CifarVariant }

async function locate(directory: string, { name, binary, python }: CifarLayout): Promise<Location> {
  const status = await stat(directory).catch((error: unknown) => {
    throw unreadable(directory, error)
  })
  if (status.isFile()) return { kind: 'archive', path: directory }
  for (const variant of [binary, python]) {
    for (const path of [directory, join(directory, variant.folder)]) {
      if (await isFile(join(path, variant.train[0]!.name))) return { kind: 'folder', path, variant }
    }
  }
  for (const { archive } of [binary, python]) {
    // A browser may have unpacked the outer layer.
    for (const file of [archive, archive.replace(/\.gz$/, '')]) if (await isFile(join(directory, file))) return { kind: 'archive', path: join(directory, file) }
  }
  fail(
    `${directory}: expected ${name} as ${binary.archive} or ${python.archive}, or one of them unpacked (${binary.train[0]!.name} or ${python.train[0]!.name} ...), got neither`,
  )
}

async function isFile(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => undefined)
  return status?.isFile() === true
}

function fail(reason: string, cause?: unknown): never {
  throw new PreresnetError('ERR_FILE', reason, { cause })
}

/** Training or test set while its files come in, of whichever variant. */
class Part {
  readonly files: ReadonlyMap<
    string,
    { readonly file: CifarFile; readonly first: number; readonly read: (file: CifarFile, contents: Uint8Array, first: number) => void }
  >
  private readonly images: Uint8Array
  private readonly labels: Int32Array
  private readonly seen = new Set<string>()

  constructor(
    private readonly name: string,
    private readonly layout: CifarLayout,
    filesOf: (variant: CifarVariant) => readonly CifarFile[],
  ) {
    const files = new Map<string, { file: CifarFile; first: number; read: (file: CifarFile, contents: Uint8Array, first: number) => void }>()
    let count = 0
    for (const [variant, read] of [[layout.binary, this.readBinary.bind(this)] as const, [layout.python, this.readPython.bind(this)] as const]) {
      count = 0
      for (const file of filesOf(variant)) {
        files.set(file.name, { file, first: count, read })
        count += file.images
      }
    }
    this.files = files
    this.images = new Uint8Array(count * pixels)
    this.labels = new Int32Array(count).fill(-1)
  }

  receive(name: string, contents: Uint8Array): boolean {
    const entry = this.files.get(name)
    if (entry === undefined) return false
    entry.read(entry.file, contents, entry.first)
    this.seen.add(name)
    return true
  }

  async dataset(path: string): Promise<Dataset> {
    const { binary, python } = this.layout
    const variants = [binary, python].map((variant) => [...variant.train, ...variant.test].map(({ name }) => name).filter((name) => this.files.has(name)))
    const missing = variants.map((names) => names.filter((name) => !this.seen.has(name))).sort((a, b) => a.length - b.length)[0]!
    if (missing.length > 0) fail(`${path}: ${this.name}: expected the files of ${binary.archive} or ${python.archive}, got none named ${missing.join(', ')}`)
    const { name, images, labels } = this
    return memoryDataset({ name, images, labels, height: side, width: side, channels: 3, classes: this.layout.classes })
  }

  private readBinary({ name, images }: CifarFile, contents: Uint8Array, first: number): void {
    const { labelBytes } = this.layout
    const record = labelBytes + pixels
    if (contents.length !== images * record) fail(`${name}: expected ${images * record} bytes (${images} images), got ${contents.length}`)
    for (let image = 0; image < images; image++) {
      this.labels[first + image] = contents[image * record + labelBytes - 1]!
      this.store(contents, image * record + labelBytes, first + image)
    }
  }

  private readPython({ name, images }: CifarFile, contents: Uint8Array, first: number): void {
    const dictionary = readCifarPickle(contents, name)
    if (!(dictionary instanceof Map)) fail(`${name}: expected a dictionary`)
    const data: unknown = dictionary.get('data')
    const labels: unknown = dictionary.get(this.layout.labelKey)
    if (!(data instanceof ByteArray) || data.shape.length !== 2 || data.shape[0] !== images || data.shape[1] !== pixels) {
      fail(`${name}: expected data of ${images} x ${pixels} bytes, got ${data instanceof ByteArray ? data.shape.join(' x ') : 'none'}`)
    }
    if (!Array.isArray(labels) || labels.length !== images)
      fail(`${name}: expected ${images} ${this.layout.labelKey}, got ${Array.isArray(labels) ? labels.length : 'none'}`)
    for (let image = 0; image < images; image++) {
      const label: unknown = labels[image]
      this.labels[first + image] = typeof label === 'number' ? label : -1
      this.store(data.data, image * pixels, first + image)
    }
  }

  /** Stored by color, wanted by pixel. */
  private store(contents: Uint8Array, begin: number, image: number): void {
    let target = image * pixels
    for (let pixel = begin; pixel < begin + plane; pixel++) {
      this.images[target++] = contents[pixel]!
      this.images[target++] = contents[pixel + plane]!
      this.images[target++] = contents[pixel + 2 * plane]!
    }
  }
}
