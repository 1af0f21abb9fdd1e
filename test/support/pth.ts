/** Files as torch.save writes them: a zip archive of stored entries, a pickle among them. Put together by hand, so that a test can put in what it wants. */
import type { SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { narrowBfloat16, narrowFloat16 } from '../../lib/formats/float16.js'

const ascii = (value: string): Buffer => Buffer.from(value, 'latin1')

function uint(bytes: 1 | 2 | 4, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntLE(value, 0, bytes)
  return buffer
}

/** Parts of a pickle of protocol 2. */
export const pickle = {
  text: (value: string): Buffer => Buffer.concat([ascii('X'), uint(4, Buffer.byteLength(value)), Buffer.from(value)]),
  integer: (value: number): Buffer => {
    if (value < 256) return Buffer.of(0x4b, value)
    if (value < 1 << 16) return Buffer.concat([ascii('M'), uint(2, value)])
    return value < 2 ** 31 ? Buffer.concat([ascii('J'), uint(4, value)]) : Buffer.concat([Buffer.of(0x8a, 8), int64(value)])
  },
  tuple: (...values: readonly Buffer[]): Buffer => Buffer.concat([ascii('('), ...values, ascii('t')]),
  name: (module: string, member: string): Buffer => ascii(`c${module}\n${member}\n`),
  call: (callee: Buffer, parameters: Buffer): Buffer => Buffer.concat([callee, parameters, ascii('R')]),
  dictionary: (items: readonly (readonly [Buffer, Buffer])[]): Buffer => Buffer.concat([ascii('}('), ...items.flat(), ascii('u')]),
  ordered: (items: readonly (readonly [Buffer, Buffer])[]): Buffer => Buffer.concat([ascii('ccollections\nOrderedDict\n)R('), ...items.flat(), ascii('u')]),
  outside: (id: Buffer): Buffer => Buffer.concat([id, ascii('Q')]),
  built: (target: Buffer, state: Buffer): Buffer => Buffer.concat([target, state, ascii('b')]),
  none: ascii('N'),
  no: Buffer.of(0x89),
  whole: (value: Buffer): Buffer => Buffer.concat([Buffer.of(0x80, 2), value, ascii('.')]),
}

function int64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64LE(BigInt(value))
  return buffer
}

export interface View {
  readonly storage: string
  readonly type: string
  readonly elements: number
  readonly offset?: number
  readonly shape: readonly number[]
  readonly strides?: readonly number[]
}

export const rowMajor = (shape: readonly number[]): number[] => shape.map((_, index) => shape.slice(index + 1).reduce((product, size) => product * size, 1))

/** A tensor as its pickle has it. */
export function view({ storage, type, elements, offset = 0, shape, strides = rowMajor(shape) }: View): Buffer {
  const { text, integer, tuple, name, call, outside, ordered, no } = pickle
  const id = tuple(text('storage'), name('torch', type), text(storage), text('cpu'), integer(elements))
  return call(
    name('torch._utils', '_rebuild_tensor_v2'),
    tuple(outside(id), integer(offset), tuple(...shape.map(integer)), tuple(...strides.map(integer)), no, ordered([])),
  )
}

/** `model.state_dict()` with its attribute. */
export function stateDict(tensors: readonly (readonly [string, Buffer])[]): Buffer {
  const { text, ordered, built, dictionary } = pickle
  return built(ordered(tensors.map(([name, tensor]) => [text(name), tensor])), dictionary([[text('_metadata'), ordered([])]]))
}

type Entries = readonly (readonly [name: string, contents: Uint8Array])[]

/** Stored entries, each on a multiple of 64 bytes; the end of a zip64 archive, as PyTorch always writes it, where `wide`. */
export function zip(entries: Entries, { wide = true, method = 0, flags = 0 }: { wide?: boolean; method?: number; flags?: number } = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, contents] of entries) {
    const pad = (64 - ((at + 30 + name.length + 4) % 64)) % 64
    const head = Buffer.concat([uint(2, 20), uint(2, flags), uint(2, method), uint(4, 0), uint(4, 0), uint(4, contents.length), uint(4, contents.length)])
    const lengths = Buffer.concat([uint(2, name.length), uint(2, pad + 4)])
    const local = Buffer.concat([ascii('PK\x03\x04'), head, lengths, ascii(name), ascii('FB'), uint(2, pad), Buffer.alloc(pad), contents])
    directory.push(Buffer.concat([ascii('PK\x01\x02'), uint(2, 20), head, uint(2, name.length), Buffer.alloc(12), uint(4, at), ascii(name)]))
    parts.push(local)
    at += local.length
  }
  const listed = Buffer.concat(directory)
  const [count, bytes] = [entries.length, listed.length]
  const record = Buffer.concat([ascii('PK\x06\x06'), int64(44), uint(4, 0), int64(0), int64(count), int64(count), int64(bytes), int64(at)])
  const locator = Buffer.concat([ascii('PK\x06\x07'), uint(4, 0), int64(at + bytes), uint(4, 1)])
  const end = Buffer.concat([ascii('PK\x05\x06'), uint(4, 0), uint(2, count), uint(2, count), uint(4, bytes), uint(4, at), uint(2, 0)])
  return Buffer.concat([...parts, listed, ...(wide ? [record, locator] : []), end])
}

/** The file of a pickle and its storages. */
export function archive(value: Buffer, storages: Readonly<Record<string, Uint8Array>>, more: Entries = []): Buffer {
  return zip([
    ['weights/data.pkl', pickle.whole(value)],
    ['weights/byteorder', ascii('little')],
    ...Object.entries(storages).map(([key, bytes]) => [`weights/data/${key}`, bytes] as const),
    ...more,
    ['weights/version', ascii('3\n')],
  ])
}

const typeNames: Readonly<Record<string, string>> = {
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
}

/** The bytes of a tensor's values in its type. */
export function storedBytes({ dtype, data }: SafetensorsTensor): Uint8Array {
  if (dtype === 'F16' || dtype === 'BF16') {
    const bits = new Uint16Array(data.length)
    if (dtype === 'F16') narrowFloat16(data as Float32Array, bits)
    else narrowBfloat16(data as Float32Array, bits)
    return new Uint8Array(bits.buffer)
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** A file of these tensors, each in a storage of its own, within the dictionaries `within`. */
export function pth(tensors: ReadonlyMap<string, SafetensorsTensor>, within: readonly string[] = []): Buffer {
  const storages: Record<string, Uint8Array> = {}
  const views = [...tensors].map(([name, tensor], index) => {
    storages[index] = storedBytes(tensor)
    return [name, view({ storage: String(index), type: typeNames[tensor.dtype]!, elements: tensor.data.length, shape: tensor.shape })] as const
  })
  const { text, dictionary, integer } = pickle
  const whole = within.reduceRight(
    (inner, key) =>
      dictionary([
        [text('epoch'), integer(90)],
        [text(key), inner],
      ]),
    stateDict(views),
  )
  return archive(whole, storages)
}
