import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FileRange } from '../../lib/formats/file_range.js'
import { ProtobufWriter } from '../../lib/formats/protobuf.js'
import { encodeMessage, many, one, packed, type Decoded, type Given } from '../../lib/formats/protobuf_messages.js'
import { decodeFile, decodeMessage } from '../../lib/formats/protobuf_reader.js'
import { writeChunks } from '../../lib/formats/write_chunks.js'
import { temporaryFolder } from '../support/folder.js'

const inner = { label: one(1, 'string'), sizes: many(2, 'int64') }
const outer = {
  count: one(1, 'int64'),
  share: one(2, 'double'),
  rate: one(3, 'float'),
  raw: one(4, 'bytes'),
  inner: many(5, inner),
  rates: packed(6, 'float'),
  shares: packed(7, 'double'),
  steps: packed(8, 'int64'),
  // Of more than one byte.
  last: one(1000, inner),
}

const given: Given<typeof outer> = {
  count: -3,
  share: 0.1,
  rate: 0.25,
  raw: Uint8Array.of(1, 2, 255),
  inner: [{ label: 'ä€', sizes: [0, 127, 128, 2 ** 35, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER] }, {}],
  rates: Float32Array.of(1, -2),
  shares: Float64Array.of(1e300),
  steps: [5, -5, 2 ** 50],
  last: { label: '' },
}
const expected: Decoded<typeof outer> = {
  ...given,
  raw: Uint8Array.of(1, 2, 255),
  inner: [given.inner![0] as Decoded<typeof inner>, { sizes: [] }],
  last: { label: '', sizes: [] },
} as Decoded<typeof outer>

/** One byte after another, from the definition of the encoding. */
const varint = (value: bigint): number[] => (value < 128n ? [Number(value)] : [Number(value % 128n) + 128, ...varint(value / 128n)])
const signed = (value: number): number[] => varint(BigInt.asUintN(64, BigInt(value)))
const long = (field: number, bytes: readonly number[]): number[] => [...signed(field * 8 + 2), ...signed(bytes.length), ...bytes]
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)]

test('messages are written as the encoding says', (t) => {
  const first = [...long(1, ascii('ä€')), ...given.inner![0]!.sizes!.flatMap((size) => [16, ...signed(size)])]
  const bytes = [
    ...[8, ...signed(-3)],
    ...[17, ...new Uint8Array(Float64Array.of(0.1).buffer)],
    ...[29, 0, 0, 0x80, 0x3e],
    ...long(4, [1, 2, 255]),
    ...long(5, first),
    ...long(5, []),
    ...long(6, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
    ...long(7, [...new Uint8Array(Float64Array.of(1e300).buffer)]),
    ...long(8, [5, ...signed(-5), ...signed(2 ** 50)]),
    ...long(1000, long(1, [])),
  ]
  const writer = encodeMessage(outer, given)
  t.deepEqual([...writer.finish()], bytes)
  t.is(writer.length, bytes.length)
})

test('what is written is read again, in memory and from a file', async (t) => {
  const bytes = encodeMessage(outer, given).finish()
  t.deepEqual(decodeMessage(outer, 'memory', bytes), expected)
  t.deepEqual(await fromFile(t, bytes), expected)
})

async function fromFile(t: ExecutionContext, bytes: Uint8Array): Promise<Decoded<typeof outer>> {
  const path = join(await temporaryFolder(t), 'message')
  await writeFile(path, bytes)
  const handle = await open(path)
  t.teardown(() => handle.close())
  return decodeFile(outer, { path, size: bytes.length, handle })
}

test('long values are not copied when they are written, and stay in the file when it is read', async (t) => {
  const raw = Uint8Array.from({ length: 1 << 19 }, (_, index) => (index * 7) % 251)
  const rates = Float32Array.from({ length: 1 << 17 }, (_, index) => index)
  const label = 'x'.repeat(70_000)
  const writer = encodeMessage(outer, { raw, inner: Array.from({ length: 9 }, () => ({ label, sizes: [1] })), rates, last: { label: 'end' } })
  t.true([...writer.chunks()].some((chunk) => chunk.buffer === raw.buffer))
  t.true([...writer.chunks()].some((chunk) => chunk.buffer === rates.buffer))
  const bytes = writer.finish()
  const read = await fromFile(t, bytes)
  t.true(read.raw instanceof FileRange)
  t.deepEqual(await (read.raw as FileRange).read(), raw)
  t.deepEqual(read.rates, rates)
  t.deepEqual(
    read.inner.map((each) => each.label === label && each.sizes[0] === 1),
    new Array(9).fill(true),
  )
  t.deepEqual(read.last, { label: 'end', sizes: [] })
})

test('a message that is longer than what is read at once holds what a short one holds', async (t) => {
  const nested = { raw: one(1, 'bytes'), parts: many(2, outer) }
  const parts = [given, { raw: new Uint8Array(300_000).fill(9) }, given]
  const writer = encodeMessage({ count: one(3, 'int64'), within: one(7, nested) }, { count: 4, within: { raw: Uint8Array.of(8), parts } })
  const path = join(await temporaryFolder(t), 'message')
  const handle = await open(path, 'w+')
  t.teardown(() => handle.close())
  await writeChunks(handle, writer.chunks())
  // What the table does not list is skipped, however long it is.
  const table = { count: one(3, 'int64'), within: one(7, { parts: many(2, { count: one(1, 'int64'), inner: many(5, inner) }) }) }
  const read = await decodeFile(table, { path, size: writer.length, handle })
  t.is(read.count, 4)
  t.deepEqual(
    read.within!.parts.map(({ count, inner }) => [count, inner.length]),
    [
      [-3, 2],
      [undefined, 0],
      [-3, 2],
    ],
  )
})

test('a writer of many short messages keeps their order', (t) => {
  const writer = new ProtobufWriter()
  const bytes: number[] = []
  for (let index = 0; index < 3000; index++) {
    writer.int64(1, index).message(2, new ProtobufWriter().string(1, `${index}`))
    bytes.push(8, ...signed(index), ...long(2, long(1, ascii(`${index}`))))
    if (index % 1000 !== 0) continue
    writer.bytes(3, new Uint8Array(5000).fill(index % 256))
    bytes.push(...long(3, new Array<number>(5000).fill(index % 256)))
  }
  t.deepEqual(Buffer.from(writer.finish()), Buffer.from(bytes))
  t.is(writer.length, bytes.length)
})

const malformed: readonly (readonly [what: string, bytes: readonly number[], message: string])[] = [
  ['an integer is cut off', [8, 0x80], 'count: byte 1: truncated: expected an integer'],
  ['an integer of eleven bytes', [8, ...new Array<number>(10).fill(0x80), 1], 'count: byte 1: expected an integer of at most 10 bytes'],
  ['an integer that no number holds', [8, ...varint(1n << 60n)], 'count: byte 1: expected an integer within 2^53, got 1152921504606846976'],
  ['a number is cut off', [17, 0, 0], 'share: byte 1: truncated: expected 8 bytes, got 2'],
  ['a length beyond the end', long(4, [1, 2]).slice(0, -1), 'raw: byte 1: truncated or malformed: expected at most 1 bytes, got a length of 2'],
  ['a huge length', [34, ...varint(1n << 40n)], 'raw: byte 1: truncated or malformed: expected at most 0 bytes, got a length of 1099511627776'],
  ['a negative length', [34, ...signed(-1)], 'raw: byte 1: truncated or malformed: expected at most 0 bytes, got a length of -1'],
  ['a length beyond its message', [42, 2, 10, 1, 0], 'inner[0].label: byte 3: truncated or malformed: expected at most 0 bytes, got a length of 1'],
  ['no text', long(5, long(1, [0xff])), 'inner[0].label: byte 3: expected text in UTF-8'],
  ['the second of several', [...long(5, []), ...long(5, [16, 0x80])], 'inner[1].sizes[0]: byte 5: truncated: expected an integer'],
  ['another type', [10, 0], 'count: byte 1: expected wire type 0, got 2'],
  ['a group', [11], 'byte 0: expected the key of a field, got 11'],
  ['field 0', [0, 0], 'byte 0: expected the key of a field, got 0'],
  ['a key beyond all fields', [...varint(1n << 33n), 0], 'byte 0: expected the key of a field, got 8589934592'],
  ['twice', [8, 1, 8, 1], 'count: byte 3: stands twice'],
  ['half a number', long(6, [1, 2, 3]), 'rates: byte 1: expected numbers of 4 bytes, got 3 bytes'],
  ['a packed number alone', [53, 0, 0, 0, 0], 'rates: byte 1: expected packed numbers, got a single one'],
  ['an unknown field is cut off', [66 + 8, 3, 0], 'byte 1: truncated or malformed: expected at most 1 bytes, got a length of 3'],
]
for (const [what, bytes, message] of malformed) {
  test(`malformed: ${what}`, async (t) => {
    t.throws(() => decodeMessage(outer, 'x.onnx', Uint8Array.from(bytes)), { code: 'ERR_FILE', message: `x.onnx: ${message}` })
    // The same behind so much that the file is not read as a whole.
    const far = new Uint8Array(300_000 + bytes.length)
    far.set([...signed(501 * 8 + 2), ...signed(300_000 - 5)])
    far.set(bytes, 300_000)
    const moved = message.replace(/byte (\d+)/, (_, at: string) => `byte ${300_000 + Number(at)}`)
    await t.throwsAsync(fromFile(t, far), { code: 'ERR_FILE', message: new RegExp(`${moved.replace(/[\^[\].()]/g, '\\$&')}$`) })
  })
}

test('integers may be packed or not', (t) => {
  const sizes = { sizes: many(2, 'int64') }
  t.deepEqual(decodeMessage(sizes, '', Uint8Array.from([16, 1, ...long(2, [2, 3]), 16, 4])), { sizes: [1, 2, 3, 4] })
})

test('a file of very many empty messages is refused before they fill the memory', (t) => {
  const bytes = new Uint8Array(2_000_004).map((_, index) => (index % 2 === 0 ? 42 : 0))
  t.throws(() => decodeMessage(outer, 'x', bytes), {
    code: 'ERR_FILE',
    message: 'x: inner[1000000]: byte 2000001: expected at most 1000000 values, got more',
  })
})
