/** Archives that were made to do harm, or by mistake: refused in one line that names the archive, or harmless. */
import test, { type ExecutionContext } from 'ava'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loader } from '../../lib/data/index.js'
import { tarDataset } from '../../lib/data/tar.js'
import { endOfTar, paddingOf, tarHeader } from '../../lib/data/tar_header.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const image = rgbPng(5, 4, randomBytes(60, 1))

interface Change {
  /** The kind of the entry, as a character. */
  readonly kind?: string
  /** The twelve bytes of the size. */
  readonly size?: string | Buffer
}

/** An entry whose header is changed and has the right checksum. */
function entry(name: string, contents: Uint8Array | string, { kind = '0', size }: Change = {}): Buffer {
  const bytes = Buffer.from(contents)
  const header = tarHeader(name, bytes.length)
  header.write(kind, 156)
  if (size !== undefined) Buffer.concat([Buffer.from(size), Buffer.alloc(12)]).copy(header, 124, 0, 12)
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, bytes, paddingOf(bytes.length)])
}

/** A record of pax, which says its own length. */
function record(text: string): string {
  for (let length = text.length + 3; ; length++) if (`${length} ${text}\n`.length === length) return `${length} ${text}\n`
}

const pax = (...texts: string[]): Buffer => entry('pax', texts.map(record).join(''), { kind: 'x' })
const cat = entry('cat/1.png', image)

async function archive(t: ExecutionContext, ...parts: Buffer[]): Promise<string> {
  const path = join(await temporaryFolder(t), 'hostile.tar')
  await writeFile(path, Buffer.concat(parts))
  return path
}

const binary = (...bytes: number[]): Buffer => Buffer.concat([Buffer.of(0x80), Buffer.alloc(11 - bytes.length), Buffer.from(bytes)])

const refused: Readonly<Record<string, readonly [parts: readonly Buffer[], message: RegExp]>> = {
  'an absolute path': [[cat, entry('/etc/passwd.png', image)], /\/etc\/passwd\.png: expected a name within the archive/],
  'a path that leads out': [[entry('cat/../../x/1.png', image)], /cat\/\.\.\/\.\.\/x\/1\.png: expected a name within the archive/],
  'a path that leads out by a pax record': [[pax('path=../1.png'), cat], /\.\.\/1\.png: expected a name within the archive/],
  'a symbolic link': [[cat, entry('cat/2.png', '', { kind: '2' })], /cat\/2\.png: expected a file, got a link/],
  'a hard link': [[cat, entry('cat/2.png', '', { kind: '1' })], /cat\/2\.png: expected a file, got a link/],
  'a size beyond the file': [[entry('cat/1.png', image, { size: '77777777777' })], /the entry at byte 0 has 8589934591 bytes, more than the file has left/],
  'a binary size beyond the file': [[entry('cat/1.png', image, { size: binary(0x7f, 0, 0, 0, 0, 0) })], /more than the file has left/],
  'a binary size of more than 64 bits': [[entry('cat/1.png', image, { size: Buffer.alloc(12, 0xff) })], /the entry at byte 0: expected a size in bytes/],
  'a size that is no number': [[entry('cat/1.png', image, { size: '12x4' })], /the entry at byte 0: expected a size in bytes/],
  'a negative size': [[entry('cat/1.png', image, { size: '-1' })], /the entry at byte 0: expected a size in bytes/],
  'a negative size in a pax record': [[pax('size=-512'), cat], /a pax record: expected a size in bytes/],
  'a size in a pax record that is no number': [[pax('size=0x40'), cat], /a pax record: expected a size in bytes/],
  'a pax record that is longer than its entry': [[entry('pax', '99 path=x\n', { kind: 'x' }), cat], /a pax record is malformed/],
  'a pax record without an end': [[entry('pax', '0 path=x\n', { kind: 'x' }), cat], /a pax record is malformed/],
  'a name of more than a mebibyte': [[entry('long', Buffer.alloc((1 << 20) + 1, 'a'), { kind: 'L' }), cat], /names of at most 1048576 bytes, got 1048577/],
  'a sparse entry of GNU': [[entry('cat/1.png', image, { kind: 'S' })], /the entry at byte 0 is sparse/],
  'a sparse entry of pax': [[pax('GNU.sparse.major=1'), cat], /an entry is sparse/],
  'two files of one name': [[cat, cat], /cat\/1\.png: expected one image of the key cat\/1\.png, got another one/],
  'two images of one key': [[entry('1.png', image), entry('1.jpg', image), entry('1.cls', '0')], /1\.jpg: expected one image of the key 1, got another one/],
  'two classes of one key': [
    [entry('1.png', image), entry('1.cls', '0'), entry('1.cls', '1')],
    /1\.cls: expected one file with its class of the key 1, got another one/,
  ],
  'a huge class': [[entry('1.png', image), entry('1.cls', '99999999999')], /1\.cls: expected the number of a class/],
}

for (const [what, [parts, message]] of Object.entries(refused)) {
  test(`${what} is refused`, async (t) => {
    const path = await archive(t, ...parts, endOfTar)
    const error = await t.throwsAsync(tarDataset(path))
    t.true(['ERR_FILE', 'ERR_DATASET'].includes((error as unknown as { code: string }).code))
    t.true(error.message.startsWith(path))
    t.regex(error.message, message)
    t.notRegex(error.message, /\n/)
  })
}

test('a tar that is cut off between two entries is refused', async (t) => {
  const path = await archive(t, cat, entry('cat/2.png', image))
  await t.throwsAsync(tarDataset(path), { code: 'ERR_FILE', message: /expected a block of zeros at its end, got the end at byte \d+; was it cut off\?/ })
})

test('names that only look dangerous, and links to what is no image, are harmless', async (t) => {
  const path = await archive(
    t,
    entry('./cat/1..2.png', image),
    entry('cat/link', '', { kind: '2' }),
    entry('device', '', { kind: '3' }),
    entry('cat/', '', { kind: '5' }),
    endOfTar,
  )
  const { classes, length } = await tarDataset(path)
  t.deepEqual([classes, length], [['cat'], 1])
})

test('ten thousand empty entries, and none that is an image', async (t) => {
  const path = await archive(t, ...Array.from({ length: 10_000 }, () => entry('cat/empty.txt', '')), endOfTar)
  await t.throwsAsync(tarDataset(path), { code: 'ERR_DATASET', message: /expected at least one image .* got 10000 other files/ })
})

test('ten thousand empty images are images, of which none can be decoded', async (t) => {
  const path = await archive(t, ...Array.from({ length: 10_000 }, (_, index) => entry(`cat/${index}.png`, '')), endOfTar)
  const dataset = await tarDataset(path)
  t.is(dataset.length, 10_000)
  await using batches = loader(dataset, { batch: 8, mode: 'evaluate', input: { height: 4, width: 5, channels: 3 } })
  await t.throwsAsync(batches.next(0), { code: 'ERR_IMAGE', message: `${path} at byte 512: cat/0.png: the file is empty` })
})

test('names with line feeds and bytes that are no text stay in one line', async (t) => {
  const path = await archive(t, entry('a\nb\x1b[31m/../1.png', image), endOfTar)
  const error = await t.throwsAsync(tarDataset(path), { code: 'ERR_FILE' })
  t.true(error.message.includes('a\\x0ab\\x1b[31m/../1.png'), error.message)
  const lone = await archive(t, entry('a\nb.png', image), endOfTar)
  const without = await t.throwsAsync(tarDataset(lone), { code: 'ERR_DATASET' })
  t.is(without.message, `${lone}: a\\x0ab.png: expected its class in a\\x0ab.cls, or a folder named after it, got none`)
})
