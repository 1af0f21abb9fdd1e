/**
 * Reads the pickles of the CIFAR archives: dictionaries, lists, numbers, texts and one NumPy array of bytes. A pickle is a program for a small
 * stack machine; here it can name no function but those below, and none of them is run: what they would make is made by hand.
 */
import { PreresnetError } from '../errors.js'

/** A NumPy array of unsigned bytes, row-major. */
export class ByteArray {
  shape: readonly number[] = []
  data: Uint8Array = new Uint8Array()
}

class DType {
  constructor(readonly code: string) {}
}

/** What a pickle may name. The module of NumPy's core was renamed in NumPy 2. */
const reconstruct = Symbol('numpy.core.multiarray._reconstruct')
const ndarray = Symbol('numpy.ndarray')
const dtype = Symbol('numpy.dtype')
const fromBuffer = Symbol('numpy.core.numeric._frombuffer')
const encode = Symbol('_codecs.encode')
const globals = new Map([
  ['numpy.core.multiarray._reconstruct', reconstruct],
  ['numpy._core.multiarray._reconstruct', reconstruct],
  ['numpy.core.numeric._frombuffer', fromBuffer],
  ['numpy._core.numeric._frombuffer', fromBuffer],
  ['numpy.ndarray', ndarray],
  ['numpy.dtype', dtype],
  ['_codecs.encode', encode],
])

/** Dictionaries come as Map with string keys, byte strings as Uint8Array over `bytes`. Throws ERR_FILE that begins with `name`. */
export function readPickle(bytes: Uint8Array, name: string): unknown {
  return new Machine(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name).run()
}

/** A byte string or text as text. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}

const mark = Symbol('mark')

class Machine {
  private position = 0
  private readonly stack: unknown[] = []
  private readonly memo = new Map<number, unknown>()

  constructor(
    private readonly bytes: Buffer,
    private readonly name: string,
  ) {}

  run(): unknown {
    for (;;) {
      const at = this.position
      const code = this.take(1)[0]!
      if (code === 0x2e) return this.pop()
      const operation = operations[code]
      if (operation === undefined) throw this.error(`unexpected opcode 0x${code.toString(16).padStart(2, '0')} at byte ${at}`)
      operation(this)
    }
  }

  error(reason: string): PreresnetError {
    return new PreresnetError('ERR_FILE', `${this.name}: not a pickle of a CIFAR archive: ${reason}`)
  }

  take(count: number): Buffer {
    if (count > this.bytes.length - this.position) {
      throw new PreresnetError('ERR_FILE', `${this.name}: truncated: expected at least ${this.position + count} bytes, got ${this.bytes.length}`)
    }
    this.position += count
    return this.bytes.subarray(this.position - count, this.position)
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position)
    if (end < 0)
      throw new PreresnetError('ERR_FILE', `${this.name}: truncated: expected a line's end after byte ${this.position}, got ${this.bytes.length} bytes`)
    const text = this.take(end - this.position).toString('latin1')
    this.position++
    return text
  }

  push(value: unknown): void {
    this.stack.push(value)
  }

  pop(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === mark) throw this.error('an empty stack')
    return this.stack.pop()
  }

  top(): unknown {
    const value = this.pop()
    this.push(value)
    return value
  }

  pushMark(): void {
    this.stack.push(mark)
  }

  popToMark(): unknown[] {
    const begin = this.stack.lastIndexOf(mark)
    if (begin < 0) throw this.error('no mark on the stack')
    return this.stack.splice(begin).slice(1)
  }

  remember(index: number): void {
    this.memo.set(index, this.top())
  }

  recall(index: number): void {
    if (!this.memo.has(index)) throw this.error(`nothing remembered under ${index}`)
    this.push(this.memo.get(index))
  }

  memoize(): void {
    this.remember(this.memo.size)
  }

  popTuple(count: number): void {
    const values = Array.from({ length: count }, () => this.pop())
    this.push(values.reverse())
  }

  append(values: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) throw this.error('values appended to something that is no list')
    for (const value of values) list.push(value)
  }

  setItems(items: readonly unknown[]): void {
    const dictionary = this.top()
    if (!(dictionary instanceof Map) || items.length % 2 !== 0) throw this.error('items set in something that is no dictionary')
    for (let index = 0; index < items.length; index += 2) {
      const key = textOf(items[index])
      if (key === undefined) throw this.error('a key that is no text')
      dictionary.set(key, items[index + 1])
    }
  }

  global(module: unknown, member: unknown): void {
    const path = `${String(module)}.${String(member)}`
    const known = globals.get(path)
    if (known === undefined) throw this.error(`it names ${path}, which is not allowed`)
    this.push(known)
  }

  reduce(): void {
    const parameters = this.pop()
    const callee = this.pop()
    const values: readonly unknown[] = Array.isArray(parameters) ? parameters : []
    if (callee === reconstruct && values[0] === ndarray) this.push(new ByteArray())
    else if (callee === dtype && textOf(values[0]) !== undefined) this.push(new DType(textOf(values[0])!))
    else if (callee === encode && typeof values[0] === 'string' && textOf(values[1]) === 'latin1') this.push(new Uint8Array(Buffer.from(values[0], 'latin1')))
    else if (callee === fromBuffer) {
      const [data, type, shape, order] = values
      this.push(this.fill(new ByteArray(), { shape, type, columnMajor: textOf(order) !== 'C', data }))
    } else throw this.error('a call that is not allowed')
  }

  /** State of an array: version, shape, type, whether column-major, bytes. That of a type is its byte order, which single bytes have not. */
  build(): void {
    const state = this.pop()
    const target = this.top()
    if (target instanceof DType) return
    if (!(target instanceof ByteArray) || !Array.isArray(state) || state.length !== 5) throw this.error('the state of something that is no array')
    const [, shape, type, columnMajor, data] = state as unknown[]
    this.fill(target, { shape, type, columnMajor, data })
  }

  private fill(target: ByteArray, { shape, type, columnMajor, data }: Readonly<Record<'shape' | 'type' | 'columnMajor' | 'data', unknown>>): ByteArray {
    if (!(type instanceof DType) || type.code !== 'u1') throw this.error(`expected an array of type u1, got ${type instanceof DType ? type.code : 'none'}`)
    if (columnMajor !== false && columnMajor !== 0) throw this.error('expected a row-major array')
    if (!Array.isArray(shape) || !shape.every((size) => typeof size === 'number') || !(data instanceof Uint8Array))
      throw this.error('an array without shape or bytes')
    const expected = shape.reduce((product, size) => product * size, 1)
    if (data.length !== expected) throw this.error(`expected ${expected} bytes for an array of ${shape.join(' x ')}, got ${data.length}`)
    target.shape = shape
    target.data = data
    return target
  }
}

function longOf(machine: Machine, count: number): number {
  if (count > 6) throw machine.error(`an integer of ${count} bytes`)
  return count === 0 ? 0 : machine.take(count).readIntLE(0, count)
}

function sizeOf64(machine: Machine): number {
  const size = machine.take(8).readBigUInt64LE()
  return size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(size)
}

/** By opcode, with the names that Python's pickletools gives them. */
const operations: Readonly<Record<number, (machine: Machine) => void>> = {
  0x80: (machine) => void machine.take(1), // PROTO
  0x95: (machine) => void machine.take(8), // FRAME
  0x28: (machine) => machine.pushMark(), // MARK
  0x30: (machine) => void machine.pop(), // POP
  0x4e: (machine) => machine.push(null), // NONE
  0x88: (machine) => machine.push(true), // NEWTRUE
  0x89: (machine) => machine.push(false), // NEWFALSE
  0x4b: (machine) => machine.push(machine.take(1)[0]), // BININT1
  0x4d: (machine) => machine.push(machine.take(2).readUInt16LE()), // BININT2
  0x4a: (machine) => machine.push(machine.take(4).readInt32LE()), // BININT
  0x8a: (machine) => machine.push(longOf(machine, machine.take(1)[0]!)), // LONG1
  0x47: (machine) => machine.push(machine.take(8).readDoubleBE()), // BINFLOAT
  0x55: (machine) => machine.push(machine.take(machine.take(1)[0]!)), // SHORT_BINSTRING
  0x54: (machine) => machine.push(machine.take(machine.take(4).readInt32LE() >>> 0)), // BINSTRING
  0x43: (machine) => machine.push(machine.take(machine.take(1)[0]!)), // SHORT_BINBYTES
  0x42: (machine) => machine.push(machine.take(machine.take(4).readUInt32LE())), // BINBYTES
  0x8e: (machine) => machine.push(machine.take(sizeOf64(machine))), // BINBYTES8
  0x96: (machine) => machine.push(machine.take(sizeOf64(machine))), // BYTEARRAY8
  0x97: (machine) => {
    throw machine.error('its bytes are kept elsewhere (a buffer of pickle protocol 5 that is not in the file)')
  }, // NEXT_BUFFER
  0x8c: (machine) => machine.push(machine.take(machine.take(1)[0]!).toString('utf8')), // SHORT_BINUNICODE
  0x58: (machine) => machine.push(machine.take(machine.take(4).readUInt32LE()).toString('utf8')), // BINUNICODE
  0x8d: (machine) => machine.push(machine.take(sizeOf64(machine)).toString('utf8')), // BINUNICODE8
  0x71: (machine) => machine.remember(machine.take(1)[0]!), // BINPUT
  0x72: (machine) => machine.remember(machine.take(4).readUInt32LE()), // LONG_BINPUT
  0x94: (machine) => machine.memoize(), // MEMOIZE
  0x68: (machine) => machine.recall(machine.take(1)[0]!), // BINGET
  0x6a: (machine) => machine.recall(machine.take(4).readUInt32LE()), // LONG_BINGET
  0x5d: (machine) => machine.push([]), // EMPTY_LIST
  0x61: (machine) => machine.append([machine.pop()]), // APPEND
  0x65: (machine) => machine.append(machine.popToMark()), // APPENDS
  0x29: (machine) => machine.push([]), // EMPTY_TUPLE
  0x74: (machine) => machine.push(machine.popToMark()), // TUPLE
  0x85: (machine) => machine.popTuple(1), // TUPLE1
  0x86: (machine) => machine.popTuple(2), // TUPLE2
  0x87: (machine) => machine.popTuple(3), // TUPLE3
  0x7d: (machine) => machine.push(new Map()), // EMPTY_DICT
  0x73: (machine) => {
    const value = machine.pop()
    machine.setItems([machine.pop(), value])
  }, // SETITEM
  0x75: (machine) => machine.setItems(machine.popToMark()), // SETITEMS
  0x63: (machine) => machine.global(machine.line(), machine.line()), // GLOBAL
  0x93: (machine) => {
    const member = machine.pop()
    machine.global(machine.pop(), member)
  }, // STACK_GLOBAL
  0x52: (machine) => machine.reduce(), // REDUCE
  0x62: (machine) => machine.build(), // BUILD
}
