// The same images as each kind of source has them.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { customDataset, imageFolder, loader, pack, packedDataset, tarDataset } from '../../dist/lib/index.js'
import { loadBinding } from '../../dist/lib/native/load.js'
import { Random } from '../../dist/test/support/random.js'

/** Three classes of `count` JPEG files each, of several sizes. */
export async function makeImages(folder, count) {
  const random = new Random(1)
  for (const name of ['ant', 'bee', 'cat']) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let number = 0; number < count; number++) {
      const [height, width] = [30 + random.integer(40), 30 + random.integer(40)]
      const pixels = Uint8Array.from({ length: height * width * 3 }, () => random.integer(256))
      writeFileSync(join(folder, name, `${number}.jpg`), await loadBinding().encodeJpeg({ height, width, channels: 3, pixels, quality: 80 }))
    }
  }
  return folder
}

/** A folder of classes as it is, and its images in a tar, in a packed file and given by a function, in the same order; `work` takes the files. */
export async function sameImages(directory, work) {
  const folder = await imageFolder(directory)
  const { length, labels, classes } = folder
  const files = Array.from({ length }, (_, index) => folder.source.files.at(index))
  const [tar, packed] = [join(work, 'folder.tar'), join(work, 'packed.tar')]
  const root = dirname(dirname(files[0]))
  execFileSync('tar', ['-cf', tar, '-C', root, '--files-from', '-'], { input: files.map((path) => `${relative(root, path)}\n`).join('') })
  await pack(folder, packed)
  return {
    files,
    folder,
    tar: await tarDataset(tar),
    packed: await packedDataset(packed),
    custom: customDataset({ length, labels, classes, read: (index) => readFileSync(files[index]) }),
  }
}

/** SHA-256 over pixels, labels and crops of all batches of two epochs. */
export async function hashOfBatches(dataset, options, workers) {
  const batches = loader(dataset, { ...options, workers })
  const hash = createHash('sha256')
  for (let index = 0; index < 2 * batches.batches; index++) {
    const { images, labels, crops } = await batches.next(index)
    for (const { buffer, byteOffset, byteLength } of [images, labels, crops]) hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  await batches.close()
  return hash.digest('hex')
}
