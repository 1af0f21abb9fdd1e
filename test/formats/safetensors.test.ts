import { createHash } from 'node:crypto'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { SafetensorsFile, readSafetensors, writeSafetensors, type SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { temporaryDirectory } from './directory.js'

const tensors = new Map<string, SafetensorsTensor>([
  ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
  ['half', { dtype: 'F16', shape: [2, 1], data: Float32Array.of(0.5, -65504) }],
  ['brain', { dtype: 'BF16', shape: [1, 3], data: Float32Array.of(1, -2, 3.25) }],
  ['single', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(0.1, -0, Infinity, 1e-40) }],
  ['double', { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) }],
  ['labels', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }],
  ['unsigned', { dtype: 'U64', shape: [2], data: BigUint64Array.of(1n, 2n ** 64n - 1n) }],
  ['words', { dtype: 'U32', shape: [2], data: Uint32Array.of(7, 2 ** 32 - 1) }],
  ['short', { dtype: 'I16', shape: [3], data: Int16Array.of(-32768, 0, 32767) }],
  ['characters', { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) }],
  ['tiny', { dtype: 'I8', shape: [1, 2], data: Int8Array.of(-128, 127) }],
  ['mask', { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ['integers', { dtype: 'I32', shape: [2], data: Int32Array.of(-7, 2 ** 31 - 1) }],
  ['empty', { dtype: 'F32', shape: [0, 5], data: new Float32Array(0) }],
])

test('what was written is read', async (t) => {
  const path = join(await temporaryDirectory(t), 'all.safetensors')
  const { bytes, sha256 } = await writeSafetensors(path, tensors, { format: 'test', other: '{"a":1}' })
  const read = await readSafetensors(path)
  t.deepEqual(read.metadata, { format: 'test', other: '{"a":1}' })
  t.deepEqual(new Map([...read.tensors].sort()), new Map([...tensors].sort()))
  const content = await readFile(path)
  t.is(bytes, content.length)
  t.is(sha256, createHash('sha256').update(content).digest('hex'))
})

test('the header is padded to 8 bytes and every tensor aligned to its type', async (t) => {
  const path = join(await temporaryDirectory(t), 'aligned.safetensors')
  await writeSafetensors(path, tensors, { odd: 'x' })
  const content = await readFile(path)
  const length = Number(content.readBigUInt64LE(0))
  t.is(length % 8, 0)
  const header = JSON.parse(content.subarray(8, 8 + length).toString()) as Record<string, { dtype: string; data_offsets: [number, number] }>
  const sizes: Record<string, number> = { F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2, U8: 1, I8: 1, BOOL: 1 }
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) if (name !== '__metadata__') t.is(data_offsets[0] % sizes[dtype]!, 0, name)
})

test('single tensors are read without the rest', async (t) => {
  const path = join(await temporaryDirectory(t), 'some.safetensors')
  await writeSafetensors(path, tensors)
  await using file = await SafetensorsFile.open(path)
  t.deepEqual(await file.read('integers'), tensors.get('integers'))
  await t.throwsAsync(file.read('integer'), { code: 'ERR_PARAMETER', message: /"integer"/ })
})

test('who reads a file while it is written again reads all of the old one', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'again.safetensors')
  await writeSafetensors(path, tensors)
  await using file = await SafetensorsFile.open(path)
  await writeSafetensors(path, new Map([['other', { dtype: 'U8', shape: [1], data: Uint8Array.of(7) }]]))
  for (const [name, tensor] of tensors) t.deepEqual(await file.read(name), tensor)
  t.deepEqual([...(await readSafetensors(path)).tensors.keys()], ['other'])
  t.deepEqual(await readdir(directory), ['again.safetensors'])
})

test('tensors of many chunks keep their values', async (t) => {
  const path = join(await temporaryDirectory(t), 'big.safetensors')
  const data = Float32Array.from({ length: 1_000_003 }, (_, index) => index * 0.5)
  await writeSafetensors(
    path,
    new Map([
      ['big', { dtype: 'F32', shape: [1_000_003], data }],
      ['low', { dtype: 'BF16', shape: [1_000_003], data: data.map((value) => Math.fround(value % 128)) }],
    ]),
  )
  const read = await readSafetensors(path)
  t.deepEqual(read.tensors.get('big')!.data, data)
  t.is((read.tensors.get('low')!.data as Float32Array)[999_999], (999_999 * 0.5) % 128)
})

test('values that do not fit their shape or type are refused', async (t) => {
  const path = join(await temporaryDirectory(t), 'bad.safetensors')
  const write = (tensor: SafetensorsTensor): Promise<unknown> => writeSafetensors(path, new Map([['w', tensor]]))
  await t.throwsAsync(write({ dtype: 'F32', shape: [2], data: new Float32Array(3) }), {
    code: 'ERR_PARAMETER',
    message: /Float32Array of 2 values.*got a Float32Array of 3/,
  })
  await t.throwsAsync(write({ dtype: 'F32', shape: [2], data: new Float64Array(2) }), { code: 'ERR_PARAMETER', message: /got a Float64Array/ })
})

/** A file of a header that is not what it should be, and data. */
function file(header: unknown, data: Uint8Array): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([head, text, data])
}

const w = { dtype: 'F32', shape: [2], data_offsets: [0, 8] }
const eight = new Uint8Array(8)
const malformed: [string, Buffer, RegExp][] = [
  ['less than 8 bytes', Buffer.alloc(7), /at least 8 bytes, got 7/],
  ['a huge header', Buffer.from('ffffffffffffff7f', 'hex'), /header of at most/],
  ['a header beyond the end', file({ w }, eight).subarray(0, 20), /truncated/],
  ['no JSON', file('{"w":', eight), /not JSON/],
  ['bytes that are not UTF-8', Buffer.concat([file('', eight).fill(0).subarray(0, 0), Buffer.from('0200000000000000ff22', 'hex')]), /not JSON/],
  ['an array as header', file([w], eight), /not a JSON object/],
  ['a type that is no string', file({ w: { ...w, dtype: 8 } }, eight), /"w": expected a type, got 8/],
  ['offsets of an unknown type in the wrong order', file({ w: { ...w, dtype: 'F8', data_offsets: [8, 0] } }, eight), /data_offsets that rise/],
  [
    'a hole after a tensor of an unknown type',
    file({ v: { ...w, dtype: 'F8', data_offsets: [0, 4] }, w: { ...w, data_offsets: [8, 16] } }, new Uint8Array(16)),
    /after a hole/,
  ],
  ['a wrong length of 8 bits', file({ w: { ...w, dtype: 'F8_E4M3' } }, eight), /expected 2 bytes for F8_E4M3 \[2\], got 8/],
  ['a wrong length of 4 bits', file({ w: { ...w, dtype: 'F4' } }, eight), /expected 1 bytes for F4 \[2\], got 8/],
  [
    'a name that stands twice',
    file(`{"x":${JSON.stringify(w)},"x":${JSON.stringify({ ...w, data_offsets: [8, 16] })}}`, new Uint8Array(16)),
    /"x" stands twice/,
  ],
  ['a name that stands twice in two spellings', file(`{"x":${JSON.stringify(w)},"\\u0078":${JSON.stringify(w)}}`, eight), /"x" stands twice/],
  ['a shape that stands twice', file('{"x":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}', eight), /"shape" stands twice/],
  ['metadata that stand twice', file('{"__metadata__":{"a":"b","a":"c"}}', new Uint8Array(0)), /"a" stands twice/],
  ['a negative size', file({ w: { ...w, shape: [-2] } }, eight), /expected a shape/],
  ['a size that is no integer', file({ w: { ...w, shape: [2.5] } }, eight), /expected a shape/],
  ['a shape that does not fit', file({ w: { ...w, shape: [3] } }, eight), /expected 12 bytes .* got 8/],
  ['one offset', file({ w: { ...w, data_offsets: [0] } }, eight), /two data_offsets/],
  ['offsets in the wrong order', file({ w: { ...w, data_offsets: [8, 0] } }, eight), /expected 8 bytes/],
  ['a hole', file({ w: { ...w, data_offsets: [4, 12] } }, new Uint8Array(12)), /after a hole/],
  ['an overlap', file({ v: w, w: { ...w, data_offsets: [4, 12] } }, new Uint8Array(12)), /inside another tensor/],
  ['too little data', file({ w }, new Uint8Array(7)), /truncated: the tensors need 8 bytes of data, the file has 7/],
  ['too much data', file({ w }, new Uint8Array(9)), /1 bytes after the last tensor/],
  ['metadata that are not strings', file({ __metadata__: { a: 1 }, w }, eight), /metadata "a" is not a string/],
  ['metadata that are no object', file({ __metadata__: 'a', w }, eight), /__metadata__ is not an object/],
]

const numbers = (bytes: ArrayBufferView): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Bytes of each type that holds numbers, and the numbers. */
const read: [string, Uint8Array, readonly (number | bigint)[]][] = [
  ['BOOL', Uint8Array.of(0, 1, 1, 0), [0, 1, 1, 0]],
  ['I8', Uint8Array.of(0, 1, 127, 128), [0, 1, 127, -128]],
  ['I16', numbers(Int16Array.of(0, 1, 2, -3)), [0, 1, 2, -3]],
  ['U16', numbers(Uint16Array.of(0, 1, 2, 65535)), [0, 1, 2, 65535]],
  ['U32', numbers(Uint32Array.of(0, 1, 2, 4294967295)), [0, 1, 2, 4294967295]],
  ['U64', numbers(BigUint64Array.of(0n, 1n, 2n, 2n ** 64n - 1n)), [0n, 1n, 2n, 2n ** 64n - 1n]],
  ['F8_E4M3', Uint8Array.of(0x00, 0x38, 0x40, 0xb8), [0, 1, 2, -1]],
  ['F8_E4M3', Uint8Array.of(0x01, 0x7e, 0xff, 0x80), [2 ** -9, 448, NaN, -0]],
  ['F8_E5M2', Uint8Array.of(0x00, 0x3c, 0x40, 0xbc), [0, 1, 2, -1]],
  ['F8_E5M2', Uint8Array.of(0x01, 0x7b, 0xfc, 0x7d), [2 ** -16, 57344, -Infinity, NaN]],
  ['F8_E4M3FNUZ', Uint8Array.of(0x40, 0x7f, 0x80, 0x01), [1, 240, NaN, 2 ** -10]],
  ['F8_E5M2FNUZ', Uint8Array.of(0x40, 0x7f, 0x80, 0x01), [1, 57344, NaN, 2 ** -17]],
  ['F8_E8M0', Uint8Array.of(0x7f, 0x80, 0x00, 0xff), [1, 2, 2 ** -127, NaN]],
]
for (const [index, [dtype, bytes, values]] of read.entries()) {
  test(`${dtype} is read beside F32 (${index})`, async (t) => {
    const path = join(await temporaryDirectory(t), 'types.safetensors')
    const header = { x: { dtype: 'F32', shape: [2], data_offsets: [0, 8] }, y: { dtype, shape: [4], data_offsets: [8, 8 + bytes.length] } }
    await writeFile(path, file(header, Buffer.concat([numbers(Float32Array.of(1, 2)), bytes])))
    const { tensors } = await readSafetensors(path)
    t.deepEqual([...tensors.get('x')!.data], [1, 2])
    t.like(tensors.get('y'), { dtype, shape: [4] })
    t.deepEqual([...tensors.get('y')!.data], values)
  })
}

const rawTypes: [string, number[], number[]][] = [
  ['F4', [4], [0x12, 0x34]],
  ['F6_E2M3', [4], [1, 2, 3]],
  ['F6_E3M2', [2, 2], [4, 5, 6]],
  ['C64', [1], [0, 0, 128, 63, 0, 0, 0, 64]],
  ['F7_NOBODYS', [3], [9, 8, 7, 6, 5]],
  ['constructor', [1], [1]],
]
for (const [dtype, shape, bytes] of rawTypes) {
  test(`a tensor of type ${dtype} is given as its bytes, and is not written`, async (t) => {
    const path = join(await temporaryDirectory(t), 'raw.safetensors')
    const header = { x: { dtype: 'F32', shape: [2], data_offsets: [0, 8] }, y: { dtype, shape, data_offsets: [8, 8 + bytes.length] } }
    await writeFile(path, file(header, Buffer.concat([numbers(Float32Array.of(1, 2)), Buffer.from(bytes)])))
    const { tensors } = await readSafetensors(path)
    t.deepEqual([...tensors.get('x')!.data], [1, 2])
    t.deepEqual(tensors.get('y'), { dtype, shape, data: Uint8Array.from(bytes) })
    await t.throwsAsync(writeSafetensors(path, new Map([['y', tensors.get('y')!]])), {
      code: 'ERR_UNSUPPORTED',
      message: /"y": tensors of type .* are read, but not written/,
    })
  })
}

test('metadata that are null are none', async (t) => {
  const path = join(await temporaryDirectory(t), 'null.safetensors')
  await writeFile(path, file({ __metadata__: null, w }, eight))
  const { metadata, tensors } = await readSafetensors(path)
  t.deepEqual(metadata, {})
  t.deepEqual([...tensors.keys()], ['w'])
})

test('names that stand in several objects, in strings or as values are not twice', async (t) => {
  const path = join(await temporaryDirectory(t), 'once.safetensors')
  const header = { __metadata__: { shape: '{"w":1,"w":2}', dtype: '"w": "w":', quote: '\\"w":', w: 'w' }, w, 'w ': { ...w, data_offsets: [8, 16] } }
  await writeFile(path, file(header, new Uint8Array(16)))
  t.deepEqual((await readSafetensors(path)).metadata, header.__metadata__)
})

for (const [name, content, message] of malformed) {
  test(`refused: ${name}`, async (t) => {
    const path = join(await temporaryDirectory(t), 'malformed.safetensors')
    await writeFile(path, content)
    const error = await t.throwsAsync(readSafetensors(path), { code: 'ERR_FILE', message })
    t.true(error.message.startsWith(path))
  })
}

test('a file cut off anywhere is refused', async (t) => {
  const path = join(await temporaryDirectory(t), 'cut.safetensors')
  await writeSafetensors(path, tensors)
  const { length } = await readFile(path)
  for (let size = length - 1; size >= 0; size -= 23) {
    await truncate(path, size)
    await t.throwsAsync(readSafetensors(path), { code: 'ERR_FILE' }, `${size} of ${length} bytes`)
  }
})

test('a missing file is named', async (t) => {
  const path = join(await temporaryDirectory(t), 'missing.safetensors')
  await t.throwsAsync(readSafetensors(path), { code: 'ERR_FILE', message: `${path}: could not read: no such file or directory` })
})

/** Each tensor as it is when it is given: the bytes are others once the next one is asked for. */
async function inOrder(path: string, names: Iterable<string>): Promise<[string, SafetensorsTensor][]> {
  await using file = await SafetensorsFile.open(path)
  const given: [string, SafetensorsTensor][] = []
  for await (const [name, { data, ...tensor }] of file.readInOrder(names)) given.push([name, { ...tensor, data: data.slice() }])
  return given
}

test('tensors in the order of the file are those that are read one by one, of every type', async (t) => {
  const path = join(await temporaryDirectory(t), 'all.safetensors')
  await writeSafetensors(path, tensors)
  t.deepEqual(new Map([...(await inOrder(path, tensors.keys()))].sort()), new Map([...tensors].sort()))
  // With holes between them, the last one first.
  const some = ['mask', 'double', 'single']
  t.deepEqual(
    await inOrder(path, some),
    ['double', 'single', 'mask'].map((name) => [name, tensors.get(name)!]),
  )
  t.deepEqual(await inOrder(path, []), [])
  await t.throwsAsync(inOrder(path, ['mask', 'missing']), { code: 'ERR_PARAMETER', message: /expected a tensor "missing", got none/ })
})

test('tensors that are not aligned in the file are read in its order too', async (t) => {
  const path = join(await temporaryDirectory(t), 'odd.safetensors')
  const header = Buffer.from(
    JSON.stringify({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, b: { dtype: 'F32', shape: [2], data_offsets: [1, 9] } }).padEnd(132), // so that b begins at byte 141
  )
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(BigInt(header.length))
  await writeFile(path, Buffer.concat([head, header, Buffer.of(7), Buffer.from(Float32Array.of(1.5, -2).buffer)]))
  const given = await inOrder(path, ['a', 'b'])
  t.deepEqual(
    given.map(([name, { data }]) => [name, [...(data as Float32Array)]]),
    [
      ['a', [7]],
      ['b', [1.5, -2]],
    ],
  )
})

test('several large reads follow one another, and a file that was shortened is an error of the tensor that it lacks', async (t) => {
  const path = join(await temporaryDirectory(t), 'large.safetensors')
  const length = 3 << 19 // 6 MiB: two are more than is read at once
  const large = new Map<string, SafetensorsTensor>(
    [1, 2, 3, 4, 5].map((value) => [`t${value}`, { dtype: 'F32', shape: [length], data: new Float32Array(length).fill(value) }]),
  )
  await writeSafetensors(path, large)
  await using file = await SafetensorsFile.open(path)
  const seen: number[] = []
  for await (const [name, { data }] of file.readInOrder(large.keys())) {
    t.true(
      (data as Float32Array).every((value) => value === Number(name[1])),
      name,
    )
    seen.push(Number(name[1]))
  }
  t.deepEqual(seen, [1, 2, 3, 4, 5])
  for await (const [name] of file.readInOrder(large.keys())) if (name === 't2') break // the file can be closed or read on

  await truncate(path, 20 << 20)
  const whole: string[] = []
  const error = await t.throwsAsync(
    async () => {
      for await (const [name] of file.readInOrder(large.keys())) whole.push(name)
    },
    { code: 'ERR_FILE' },
  )
  t.regex(error.message, /truncated: expected 6291456 bytes/)
  t.deepEqual(whole, ['t1', 't2', 't3'])
})
