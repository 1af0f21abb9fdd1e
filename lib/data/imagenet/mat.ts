/** Arrays of structs in MATLAB files of version 5, as the devkit of ImageNet has one: numbers and texts of their fields. */
import { inflateSync } from 'node:zlib'
import { PreresnetError } from '../../errors.js'
import { readRegularFile } from '../../regular_file.js'

/** A struct by its fields. What is neither a number nor a text is left out. */
type Struct = ReadonlyMap<string, number | string>

/** Numbers of the types of elements. */
const types = { int8: 1, uint8: 2, int16: 3, uint16: 4, int32: 5, uint32: 6, single: 7, double: 9, matrix: 14, compressed: 15 } as const
/** Numbers of the classes of matrices. */
const classes = { struct: 2, char: 4, double: 6, uint32: 13 } as const

/** Of what a compressed element unpacks to. */
const mostBytes = 1 << 26
const headerBytes = 128

interface Element {
  readonly type: number
  readonly data: Buffer
}

/** The structs of the array that has this name. ERR_FILE for what is no such file, or has no such array. */
export async function readStructs(path: string, name: string): Promise<readonly Struct[]> {
  const bytes = await readRegularFile(path)
  const fail = (expected: string): PreresnetError => new PreresnetError('ERR_FILE', `${path}: expected ${expected}, got other bytes`)
  if (bytes.length < headerBytes || bytes.readUInt16LE(124) !== 0x0100 || bytes.toString('latin1', 126, 128) !== 'IM') throw fail('a MATLAB file of version 5')
  try {
    for (const element of elementsOf(bytes.subarray(headerBytes))) {
      const found = element.type === types.compressed ? [...elementsOf(inflateSync(element.data, { maxOutputLength: mostBytes }))] : [element]
      for (const { type, data } of found) {
        const structs = type === types.matrix ? structsOf(data, name) : undefined
        if (structs !== undefined) return structs
      }
    }
  } catch (error) {
    throw new PreresnetError('ERR_FILE', `${path}: malformed: ${(error as Error).message}`, { cause: error })
  }
  throw fail(`an array of structs called ${name}`)
}

/** One behind the other; each begins at a multiple of eight bytes, unless it is compressed. */
function* elementsOf(bytes: Buffer): Generator<Element, void, void> {
  for (let at = 0; at + 8 <= bytes.length;) {
    const word = bytes.readUInt32LE(at)
    // Four bytes or less stand within the eight that say what they are.
    const within = word >>> 16
    const first = at + (within === 0 ? 8 : 4)
    const length = within === 0 ? bytes.readUInt32LE(at + 4) : within
    const type = within === 0 ? word : word & 0xffff
    if (within > 4 || length > bytes.length - first) throw new RangeError(`an element of ${length} bytes where ${bytes.length - first} are left`)
    yield { type, data: bytes.subarray(first, first + length) }
    at = within !== 0 ? at + 8 : first + (type === types.compressed ? length : Math.ceil(length / 8) * 8)
  }
}

function structsOf(matrix: Buffer, wanted: string): readonly Struct[] | undefined {
  const [flags, , name, length, names, ...values] = elementsOf(matrix)
  if (flags?.data[0] !== classes.struct || name?.data.toString('latin1') !== wanted || length === undefined || names === undefined) return undefined
  const bytes = length.data.readInt32LE(0)
  if (bytes < 1) throw new RangeError(`names of ${bytes} bytes`)
  const fields = Array.from({ length: Math.floor(names.data.length / bytes) }, (_, field) => {
    const [text] = names.data.toString('latin1', field * bytes, (field + 1) * bytes).split('\0')
    return text!
  })
  return Array.from({ length: fields.length === 0 ? 0 : Math.floor(values.length / fields.length) }, (_, index) => {
    const struct = new Map<string, number | string>()
    for (const [field, key] of fields.entries()) {
      const value = valueOf(values[index * fields.length + field]!.data)
      if (value !== undefined) struct.set(key, value)
    }
    return struct
  })
}

/** A text, or the first number of an array. */
function valueOf(matrix: Buffer): number | string | undefined {
  const [flags, , , values] = elementsOf(matrix)
  const kind = flags?.data[0] ?? 0
  if (values === undefined) return kind === classes.char ? '' : undefined
  if (kind === classes.char) return values.data.toString(values.type === types.uint16 ? 'utf16le' : 'utf8')
  if (kind < classes.double || kind > classes.uint32 || values.data.length === 0) return undefined
  return numberOf(values)
}

/** Numbers are stored as what is short, whatever type they have. */
function numberOf({ type, data }: Element): number | undefined {
  switch (type) {
    case types.int8:
      return data.readInt8(0)
    case types.uint8:
      return data.readUInt8(0)
    case types.int16:
      return data.readInt16LE(0)
    case types.uint16:
      return data.readUInt16LE(0)
    case types.int32:
      return data.readInt32LE(0)
    case types.uint32:
      return data.readUInt32LE(0)
    case types.single:
      return data.readFloatLE(0)
    case types.double:
      return data.readDoubleLE(0)
    default:
      return undefined
  }
}
