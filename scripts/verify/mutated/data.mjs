// Files that say where data lie, and small data themselves: what TypeScript reads. Images are read natively: ../fuzz.mjs.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { encodePng } from '../../../dist/lib/cli/pictures/png.js'
import { readArchive } from '../../../dist/lib/data/archive.js'
import { readCifarPickle } from '../../../dist/lib/data/cifar_pickle.js'
import { readFolderIndex } from '../../../dist/lib/data/folder_index.js'
import { validationList } from '../../../dist/lib/data/imagenet/devkit.js'
import { readStructs } from '../../../dist/lib/data/imagenet/mat.js'
import { imageFolder, pack } from '../../../dist/lib/data/index.js'
import { indexFolders } from '../../../dist/lib/data/index_folders.js'
import { readPackedIndex } from '../../../dist/lib/data/sample_index.js'
import { openParquet } from '../../../dist/lib/data/parquet/dataset.js'
import { sampleReader } from '../../../dist/lib/data/sample_bytes.js'
import { openTars } from '../../../dist/lib/data/tar.js'
import { parquetFile } from '../../../dist/test/support/parquet.js'
import { pickle2, pickle4 } from '../../../dist/test/support/pickle.js'

const image = encodePng({ height: 3, width: 4, channels: 3, values: new Uint8Array(36).fill(7) })
const whole = (bytes) => [[0, bytes.length]]
const codes = ['ERR_FILE', 'ERR_DATASET']

function write(folder, files) {
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), contents)
  }
  return folder
}

/** A tar of a format of the program tar. */
function tarred(format, files) {
  return (folder) => {
    const from = write(join(folder, format), files)
    return execFileSync('tar', [`--format=${format}`, '--sort=name', '-cf', '-', '-C', from, ...new Set(Object.keys(files).map((name) => name.split('/')[0]))])
  }
}

/** Of a header: the bytes of its checksum. */
const sum = [148, 156]
const blocks = (bytes) => Array.from({ length: Math.floor(bytes.length / 512) }, (_, index) => 512 * index)
const isHeader = (bytes, at) => bytes.toString('latin1', at + 257, at + 262) === 'ustar'

/** Headers, and the blocks of names behind those of pax and GNU. */
const headers = (bytes) =>
  blocks(bytes)
    .filter((at) => isHeader(bytes, at))
    .flatMap((at) => ('xL'.includes(String.fromCharCode(bytes[at + 156])) ? [[at, at + 1024]] : [[at, at + 512]]))

/** The checksums of headers, which would be wrong after nearly every change. */
function mendHeaders(bytes) {
  for (const at of blocks(bytes).filter((at) => isHeader(bytes, at))) {
    bytes.fill(' ', at + sum[0], at + sum[1])
    const total = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte)
    bytes.write(`${total.toString(8).padStart(6, '0')}\0 `, at + sum[0])
  }
}

const long = `${'a-folder-with-a-long-name/'.repeat(6)}cat`
const tar = (bytes) => ({ bytes, described: headers, mend: mendHeaders, read: (path) => openTars(path, {}, undefined), codes })

/** Reads it again with the checksum that it should have, which would be wrong after nearly every change. */
function resealed(read) {
  return async (path) => {
    try {
      return await read(path)
    } catch (error) {
      const [, expected, got] = /expected the checksum ([0-9a-f]{8}), got other bytes \(([0-9a-f]{8})\)/.exec(error.message) ?? []
      const bytes = readFileSync(path)
      const at = expected === undefined ? -1 : bytes.indexOf(`"checksum":"${expected}"`)
      if (at < 0) throw error
      bytes.write(got, at + '"checksum":"'.length)
      writeFileSync(path, bytes)
      return await read(path)
    }
  }
}

const index = (bytes, read) => ({ bytes, described: (file) => [[0, 8 + Number(file.readBigUInt64LE(0))], ...whole(file)], read: resealed(read), codes })

function photos(folder) {
  const from = write(join(folder, 'photos'), { 'cat/1.png': image, 'cat/2.png': image, 'dog/1.png': image })
  for (const name of ['cat', 'dog', '.']) utimesSync(join(from, name), 1.7e9, 1.7e9)
  return from
}

const pickled = (make) => {
  const bytes = make({ labels: [1, 2], data: { rows: 2, columns: 30, bytes: new Uint8Array(60).fill(9) }, filenames: ['a', 'b'] })
  return {
    bytes: () => bytes,
    described: whole,
    read: async (path) => readCifarPickle(readFileSync(path), path),
    codes: ['ERR_FILE'],
  }
}

const fixture = (name) => readFileSync(join(import.meta.dirname, '../../../test/fixtures/imagenet', name))
// To read what a file is not allowed to say throws a RangeError, which is its refusal.
const mat = (name) => ({
  bytes: () => fixture(name),
  described: whole,
  read: (path) => readStructs(path, 'synsets'),
  codes: ['ERR_FILE'],
  throwsRangeErrors: true,
})

/** Twelve rows in three groups. The footer is what most changes are in; the pages' headers stand between the images. */
const parquet = (writing) => ({
  bytes: () =>
    parquetFile(
      Array.from({ length: 12 }, (_, row) => ({ image, label: row % 3 })),
      { rowsOfGroup: 5, rowsOfPage: 3, names: ['ant', 'bee', 'cat'], ...writing },
    ),
  described: (file) => [[file.length - 8 - file.readUInt32LE(file.length - 8), file.length], ...whole(file)],
  async read(path) {
    const dataset = await openParquet(path, { decompress: true }, undefined)
    const read = sampleReader(dataset.source)
    for (let sample = 0; sample < dataset.length; sample++) await read(sample)
  },
  codes,
})

export const data = {
  parquet: parquet({}),
  'parquet-dictionary': parquet({ dictionary: true, version: 2 }),
  'parquet-snappy': parquet({ codec: 'copies' }),
  'parquet-gzip': parquet({ codec: 'gzip', version: 2 }),
  'tar-gnu': tar(tarred('gnu', { 'cat/1.png': image, [`${long}/2.png`]: image, 'dog/1.png': image })),
  'tar-pax': tar(tarred('pax', { 'cat/1.png': image, [`${long}/2.png`]: image, 'dog/1.png': image })),
  'tar-webdataset': tar(tarred('ustar', { '1.png': image, '1.cls': '0', '2.png': image, '2.cls': '1' })),
  'packed-index': index(
    async (folder) => {
      const path = join(folder, 'packed.tar')
      await pack(await imageFolder(photos(folder)), path)
      return readFileSync(`${path}.index`)
    },
    (path) => readPackedIndex(path),
  ),
  'folder-index': index(
    async (folder) => {
      const [{ index: path }] = await indexFolders(photos(folder), new AbortController().signal)
      return readFileSync(path)
    },
    (path) => readFolderIndex(path),
  ),
  mat: mat('meta.mat'),
  'mat-plain': mat('meta-plain.mat'),
  'devkit-list': {
    bytes: () => Buffer.from('1\n3\n3\n2\n'),
    described: whole,
    async read(path) {
      const devkit = write(join(dirname(path), 'devkit'), { 'data/meta.mat': fixture('meta.mat') })
      writeFileSync(join(devkit, 'data/ILSVRC2012_validation_ground_truth.txt'), readFileSync(path))
      return validationList(devkit)
    },
    begins: (path) => join(dirname(path), 'devkit'),
    codes,
  },
  'cifar-pickle-2': pickled(pickle2),
  'cifar-pickle-4': pickled(pickle4),
  'cifar-archive': {
    bytes: tarred('gnu', { 'cifar-10-batches-bin/data_batch_1.bin': Buffer.alloc(600, 5), 'cifar-10-batches-bin/test_batch.bin': Buffer.alloc(600, 6) }),
    described: headers,
    mend: mendHeaders,
    read: (path) => readArchive(path, new Set(['data_batch_1.bin', 'test_batch.bin']), () => undefined),
    codes: ['ERR_FILE'],
  },
}
