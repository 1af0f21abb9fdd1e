import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { imageFolder, loader, type Dataset } from '../lib/data/index.js'
import { storedSize } from '../lib/data/image_sizes.js'
import { tarDataset } from '../lib/data/tar.js'
import { bytesOfName, isUtf8Name, nameOf, shownName } from '../lib/name_bytes.js'
import { randomBytes } from './support/bytes.js'
import { temporaryFolder } from './support/folder.js'
import { rgbPng } from './support/png.js'

const latin = Buffer.from('Mu\xf1oz.png', 'latin1')

test('every name leads back to its bytes, and names in UTF-8 are as they are', (t) => {
  for (const text of ['', 'plain.png', 'Muñoz.png', 'дом 日本 🦊']) {
    t.is(nameOf(Buffer.from(text)), text)
    t.true(isUtf8Name(text))
    t.is(bytesOfName(text), text)
  }
  for (const bytes of [
    latin,
    Buffer.of(0xff),
    Buffer.of(0x61, 0xf0, 0x9f, 0xa6, 0x62),
    Buffer.concat([Buffer.from('🦊'), Buffer.of(0x80), Buffer.from('ñ')]),
    Buffer.from(randomBytes(500, 3)),
  ]) {
    const name = nameOf(bytes)
    t.false(isUtf8Name(name))
    t.deepEqual(Buffer.from(bytesOfName(name) as Buffer), Buffer.from(bytes))
  }
  t.is(shownName(nameOf(latin)), 'Mu\\xf1oz.png')
  t.is(shownName('a\nb\x1b[31m'), 'a\\x0ab\\x1b[31m')
})

const input = { height: 2, width: 2, channels: 3 }

async function pixels(dataset: Dataset): Promise<number[]> {
  await using batches = loader(dataset, { batch: dataset.length, input, mode: 'evaluate' })
  return [...(await batches.next(0))!.images]
}

test('images whose names are not UTF-8 are read, in folders of such names too', async (t) => {
  const folder = await temporaryFolder(t)
  const plain = (value: number): Buffer => rgbPng(2, 2, new Uint8Array(12).fill(value))
  const within = Buffer.concat([Buffer.from(join(folder, 'red/')), Buffer.of(0xe9, 0x2f)])
  await mkdir(within, { recursive: true })
  await writeFile(Buffer.concat([Buffer.from(join(folder, 'red/')), latin]), plain(1))
  await writeFile(Buffer.concat([within, latin]), plain(2))
  // Another name, which a decoder that replaces bytes would make the same.
  await writeFile(Buffer.concat([Buffer.from(join(folder, 'red/')), Buffer.from('Mu\xe9oz.png', 'latin1')]), plain(3))
  await writeFile(join(folder, 'red/🦊ñ.png'), plain(4))
  const dataset = await imageFolder(folder)
  t.is(dataset.length, 4)
  t.deepEqual((await pixels(dataset)).filter((_, index) => index % 12 === 0).sort(), [1, 2, 3, 4])
  for (let sample = 0; sample < 4; sample++) t.deepEqual(await storedSize(dataset.source as never, sample), { height: 2, width: 2 })
})

test('a class whose name is not UTF-8 is an error that says so', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('Mu\xf1oz', 'latin1')]))
  t.is((await readdir(folder)).length, 1)
  const message = /expected names of classes in UTF-8, which model files hold, got "Mu\\xf1oz"/
  await t.throwsAsync(imageFolder(folder), { code: 'ERR_DATASET', message })

  const tar = Buffer.alloc(2048)
  tar.write('Mu\xf1oz/1.png', 0, 'latin1')
  tar.write('00000000001\0', 124, 'latin1')
  tar.write('0', 156, 'latin1')
  tar.fill(0x20, 148, 156)
  tar.write(
    `${tar
      .subarray(0, 512)
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  )
  await writeFile(join(folder, 'x.tar'), tar)
  await t.throwsAsync(tarDataset(join(folder, 'x.tar')), { code: 'ERR_DATASET', message })
})
