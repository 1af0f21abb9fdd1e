/** PyTorch's zip format: what is read, and what is refused before anything is allocated or run. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { openTensorFile } from '../../lib/formats/tensor_file.js'
import { temporaryFolder } from '../support/folder.js'
import { archive, pickle, pth, rowMajor, stateDict, view, zip } from '../support/pth.js'

async function open(t: ExecutionContext, bytes: Uint8Array): Promise<Map<string, SafetensorsTensor>> {
  const path = join(await temporaryFolder(t), 'weights.pth')
  await writeFile(path, bytes)
  await using file = await openTensorFile(path)
  const tensors = new Map<string, SafetensorsTensor>()
  for (const [name, { dtype, shape }] of file.entries) {
    const tensor = await file.read(name)
    t.deepEqual([tensor.dtype, tensor.shape], [dtype, shape])
    tensors.set(name, tensor)
  }
  return tensors
}

async function refused(t: ExecutionContext, bytes: Uint8Array, message: RegExp): Promise<void> {
  const error = await t.throwsAsync(open(t, bytes), { code: 'ERR_FILE', message })
  t.regex(error.message, /weights\.pth: /)
}

const floats = Float32Array.from({ length: 24 }, (_, index) => index)
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer)
const whole = { storage: '0', type: 'FloatStorage', elements: 24, shape: [2, 3, 4] } as const

const tensors = new Map<string, SafetensorsTensor>([
  ['a.weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-30, 7) }],
  ['b.half', { dtype: 'F16', shape: [3], data: Float32Array.of(0.5, -2, 65504) }],
  ['c.brain', { dtype: 'BF16', shape: [2, 1], data: Float32Array.of(1.5, -(2 ** 100)) }],
  ['d.double', { dtype: 'F64', shape: [2], data: Float64Array.of(1 / 3, 1e300) }],
  ['e.count', { dtype: 'I64', shape: [], data: BigInt64Array.of(12n) }],
  ['f.empty', { dtype: 'F32', shape: [0, 3], data: new Float32Array(0) }],
])

test('reads every type, alone and within a checkpoint', async (t) => {
  for (const within of [[], ['state_dict'], ['model']]) t.deepEqual(await open(t, pth(tensors, within)), tensors)
})

test('leaves away what DataParallel and torch.compile put before every name, but not before some', async (t) => {
  const named = (prefix: string) => new Map([...tensors].map(([name, tensor]) => [`${prefix}${name}`, tensor]))
  t.deepEqual(await open(t, pth(named('module.'))), tensors)
  t.deepEqual(await open(t, pth(named('_orig_mod.module.'))), tensors)
  const some = new Map([...named('module.'), ['other', tensors.get('a.weight')!]])
  t.deepEqual([...(await open(t, pth(some))).keys()], [...some.keys()])
})

test('views of one storage, by offset and strides, come in the order of their shapes', async (t) => {
  const shape = [2, 3, 4]
  const views: Readonly<Record<string, readonly [offset: number, shape: readonly number[], strides: readonly number[], values: readonly number[]]>> = {
    whole: [0, shape, rowMajor(shape), [...floats]],
    part: [5, [2, 2], [2, 1], [5, 6, 7, 8]],
    transposed: [0, [4, 6], [1, 4], [0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23]],
    columns: [1, [2, 3, 1], [12, 4, 9], [1, 5, 9, 13, 17, 21]],
    repeated: [7, [2, 3], [0, 1], [7, 8, 9, 7, 8, 9]],
    'channels last': [0, [1, 2, 2, 3], [12, 1, 6, 2], [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]],
  }
  const state = stateDict(Object.entries(views).map(([name, [offset, shape, strides]]) => [name, view({ ...whole, offset, shape, strides })]))
  const read = await open(t, archive(state, { 0: bytesOf(floats) }))
  for (const [name, [, , , values]] of Object.entries(views)) t.deepEqual([...(read.get(name)!.data as Float32Array)], [...values], name)
})

const fixture = (name: string): Promise<Buffer> => readFile(join(import.meta.dirname, '../../../test/fixtures/pytorch', name))

test('files that PyTorch wrote', async (t) => {
  const read = await open(t, await fixture('tensors.pth'))
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
  const expected: Readonly<Record<string, readonly [dtype: string, shape: readonly number[], values: readonly number[]]>> = {
    whole: ['F32', [2, 3, 4], numbers(24)],
    transposed: ['F32', [6, 4], numbers(24).map((index) => (index % 4) * 6 + Math.floor(index / 4))],
    columns: ['F32', [4, 2], [1, 2, 7, 8, 13, 14, 19, 20]],
    last: ['F32', [1, 2, 3, 4], numbers(24)],
    half: ['F16', [3], numbers(3)],
    brain: ['BF16', [3], numbers(3)],
    double: ['F64', [3], numbers(3)],
    count: ['I64', [], [12]],
  }
  t.deepEqual([...read.keys()], Object.keys(expected))
  for (const [name, { dtype, shape, data }] of read)
    t.deepEqual([dtype, shape, Array.from(data as Iterable<number>, Number)] as unknown, expected[name] as unknown, name)
  const checkpoint = await open(t, await fixture('checkpoint.pth'))
  t.deepEqual([...checkpoint.keys()], ['weight', 'bias'])
  t.deepEqual(checkpoint.get('weight'), { dtype: 'F32', shape: [3, 2], data: Float32Array.from(numbers(6)) })
  await refused(t, await fixture('earlier.pth'), /is in the form that torch\.save wrote before version 1\.6/)
  await refused(t, await fixture('module.pth'), /it names torch\.nn\.modules\.linear\.Linear, which is not allowed/)
})

test('an archive without the record of zip64, a comment, and a pickle of protocol 4', async (t) => {
  const value = pickle.whole(stateDict([['x', view(whole)]]))
  const bytes = zip(
    [
      ['x/data.pkl', value],
      ['x/data/0', bytesOf(floats)],
    ],
    { wide: false },
  )
  t.deepEqual((await open(t, bytes)).get('x'), { dtype: 'F32', shape: [2, 3, 4], data: floats })
  const comment = Buffer.from('PK\x05\x06 and twenty-two bytes of comment, or more', 'latin1')
  bytes.writeUInt16LE(comment.length, bytes.length - 2)
  t.is((await open(t, Buffer.concat([bytes, comment]))).size, 1)
  const short = (text: string): Buffer => Buffer.concat([Buffer.of(0x8c, text.length), Buffer.from(text), Buffer.of(0x94)])
  const named = Buffer.concat([short('collections'), short('OrderedDict'), Buffer.of(0x93, 0x94)])
  const four = Buffer.concat([Buffer.of(0x80, 4, 0x95), Buffer.alloc(8), named, Buffer.from(')R.', 'latin1')])
  t.is((await open(t, zip([['x/data.pkl', four]]))).size, 0)
})

test('a pickle that names anything but the tensor constructors is refused by that name, and nothing is run', async (t) => {
  const { text, tuple, name, call, dictionary } = pickle
  const attack = call(name('os', 'system'), tuple(text('touch /tmp/ran')))
  await refused(
    t,
    archive(attack, {}),
    /weights\/data\.pkl: not a dictionary of tensors alone: it names os\.system, which is not allowed; nothing of it was run/,
  )
  await refused(
    t,
    archive(name('torch.nn.modules.conv', 'Conv2d'), {}),
    /names torch\.nn\.modules\.conv\.Conv2d, .*torch\.save\(model\.state_dict\(\), "weights\.pth"\)$/,
  )
  await refused(t, archive(name('torch', 'FloatTensor'), {}), /names torch\.FloatTensor/)
  await refused(t, archive(name('torch', 'Float\x1b[31mStorage'), {}), /names torch\.Float\\x1b\[31mStorage/)
  await refused(t, archive(call(name('torch', 'FloatStorage'), tuple()), {}), /a call that is not allowed$/)
  await refused(t, archive(call(dictionary([]), tuple()), {}), /a call that is not allowed$/)
  await refused(t, archive(call(name('torch._utils', '_rebuild_tensor_v2'), tuple(text('x'))), {}), /a call that is not allowed$/)
  await refused(t, archive(pickle.outside(tuple(text('module'), text('x'))), {}), /something that lies outside of it$/)
  await refused(t, archive(pickle.built(text('x'), dictionary([])), {}), /the state of something that has none$/)
  await refused(t, archive(Buffer.alloc(1_000_001, ']'), {}), /expected at most 1000000 lists, dictionaries and objects, got more$/)
})

test('the form of before version 1.6, and programs, are refused with the line that rewrites them', async (t) => {
  const magic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')
  await refused(
    t,
    Buffer.concat([magic, Buffer.alloc(100)]),
    /torch\.save\(torch\.load\(".*weights\.pth", map_location="cpu", weights_only=True\), ".*weights-zip\.pth"\)$/,
  )
  const program = archive(pickle.ordered([]), {}, [['weights/constants.pkl', pickle.whole(pickle.tuple())]])
  await refused(t, program, /a TorchScript program, not weights\. In Python, .*state_dict/)
})

const badViews: readonly (readonly [string, Partial<Parameters<typeof view>[0]>, RegExp])[] = [
  ['more values than its storage has', { shape: [5, 5], strides: [0, 0] }, /a tensor of shape \[5, 5\] of a storage of 24 values$/],
  ['a size of a billion', { shape: [1e9], strides: [0] }, /a tensor of shape \[1000000000\] of a storage of 24 values$/],
  ['an end behind that of its storage', { offset: 20, shape: [5] }, /that ends at value 25 of a storage of 24$/],
  ['a stride too large', { shape: [2], strides: [24] }, /that ends at value 25 of a storage of 24$/],
  ['fewer strides than sizes', { strides: [1] }, /without offset, sizes and strides that are integers of at least 0$/],
  ['a storage of another size', { elements: 23, shape: [23] }, /: "x": expected an entry "weights\/data\/0" of 92 bytes \(23 values of F32\), got 96$/],
  ['a storage of another type', { type: 'DoubleStorage' }, /expected an entry "weights\/data\/0" of 192 bytes \(24 values of F64\), got 96$/],
  ['a storage that is missing', { storage: '../0' }, /expected an entry "weights\/data\/\.\.\/0" of 96 bytes .*, got none$/],
]
for (const [what, change, message] of badViews) {
  test(`refused: a tensor with ${what}`, (t) => refused(t, archive(stateDict([['x', view({ ...whole, ...change })]]), { 0: bytesOf(floats) }), message))
}

test('refused: what is no dictionary of tensors', async (t) => {
  const { text, integer, dictionary, tuple, ordered } = pickle
  await refused(t, archive(tuple(), {}), /expected a dictionary of tensors, as model\.state_dict\(\) is, got something else$/)
  await refused(
    t,
    archive(ordered([[text('epoch'), integer(3)]]), {}),
    /: "epoch": expected a tensor, .* alone or within "state_dict" or "model", got something else$/,
  )
  await refused(t, archive(dictionary([[text('model'), ordered([[integer(3), integer(3)]])]]), {}), /: "model": a key that is no text: expected a tensor/)
  const large = { ...whole, elements: 10_000, shape: [10_000] }
  const many = stateDict(Array.from({ length: 100 }, (_, index) => [`x${index}`, view(large)]))
  await refused(t, archive(many, { 0: new Uint8Array(40_000) }), /its tensors share storages and take 4000000 bytes, more than 4 times the file's \d+$/)
})

test('refused: archives that are compressed, encrypted, of others, or doubled', async (t) => {
  const value = pickle.whole(stateDict([]))
  await refused(t, zip([['x/data.pkl', value]], { method: 8 }), /: "x\/data\.pkl" is compressed \(method 8\); expected an entry that is stored/)
  await refused(t, zip([['x/data.pkl', value]], { flags: 1 }), /: "x\/data\.pkl" is encrypted$/)
  await refused(t, zip([['readme.txt', value]]), /none that torch\.save wrote: expected one entry FOLDER\/data\.pkl, got none$/)
  const two = ['x', 'y'].map((folder) => [`${folder}/data.pkl`, value] as const)
  await refused(t, zip(two), /got "x\/data\.pkl" and "y\/data\.pkl"$/)
  await refused(t, zip([two[0]!, two[0]!]), /entry 2 of the zip directory, "x\/data\.pkl", stands twice$/)
  await refused(t, zip([['\0x/data.pkl', Buffer.from('i')]]), /: \\x00x\/data\.pkl: not a dictionary of tensors alone: unexpected opcode 0x69 at byte 0$/)
  const big = zip([two[0]!, ['x/byteorder', Buffer.from('big')]])
  await refused(t, big, /"x\/byteorder": expected "little", got "big"$/)
})

test('a file that is cut anywhere is refused', async (t) => {
  const bytes = pth(tensors)
  for (let length = 16; length < bytes.length; length += 13) await refused(t, bytes.subarray(0, length), /truncated|expected/)
})
