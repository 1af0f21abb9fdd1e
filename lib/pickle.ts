/**
 * Reads pickles. A pickle is a program for a small stack machine; here it can name nothing but what its reader's rules list, and none of Python's functions
 * is run: what they would make is made by hand.
 */
import { PreresnetError } from './errors.js'
import { visibleLine } from './visible.js'

/** What a pickle may name. Without `call` it can be passed on, but not called; `call` gives undefined where parameters are not allowed. */
export class PickleGlobal {
  constructor(readonly call: (parameters: readonly unknown[]) => unknown = () => undefined) {}
}

/** Rules throw such an error for what they refuse. */
export class PickleError extends Error {}

/** What one kind of pickle may hold. */
export interface PickleRules {
  /** As errors say it: "not ...". */
  readonly title: string
  /** By module and name: "torch.FloatStorage". */
  readonly globals: ReadonlyMap<string, PickleGlobal>
  /** The end of the error where it names anything else. */
  readonly remedy?: string
  /** Gives an object its state; false where the object takes none. */
  readonly build: (target: unknown, state: unknown) => boolean
  /** What lies outside of the pickle, by its id. */
  readonly persistent?: (id: unknown) => unknown
}

/**
 * Lists and tuples come as arrays, dictionaries as Map (texts and byte strings as keys are texts), byte strings as Uint8Array over `bytes`, integers beyond
 * 2^53 as BigInt. Throws ERR_FILE that begins with `name`.
 */
export function readPickle(bytes: Uint8Array, name: string, rules: PickleRules): unknown {
  const machine = new Machine(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name, rules)
  try {
    return machine.run()
  } catch (error) {
    throw error instanceof PickleError ? machine.error(error.message) : error
  }
}

/** A byte string or text as text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}

const mark = Symbol('mark')

/** A list takes one byte of a pickle and fifty of memory. */
const mostContainers = 1_000_000
/** Of names in errors. */
const longest = 100

class Machine {
  private position = 0
  private containers = 0
  private readonly stack: unknown[] = []
  private readonly memo = new Map<number, unknown>()

  constructor(
    private readonly bytes: Buffer,
    private readonly name: string,
    private readonly rules: PickleRules,
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
    return new PreresnetError('ERR_FILE', `${this.name}: not ${this.rules.title}: ${reason}`)
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

  /** A list, a tuple, a dictionary or what a call made. */
  pushContainer(value: unknown): void {
    if (++this.containers > mostContainers) throw this.error(`expected at most ${mostContainers} lists, dictionaries and objects, got more`)
    this.push(value)
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
    this.pushContainer(values.reverse())
  }

  append(values: readonly unknown[]): void {
    const list = this.top()
    if (!Array.isArray(list)) throw this.error('values appended to something that is no list')
    for (const value of values) list.push(value)
  }

  setItems(items: readonly unknown[]): void {
    const dictionary = this.top()
    if (!(dictionary instanceof Map) || items.length % 2 !== 0) throw this.error('items set in something that is no dictionary')
    for (let index = 0; index < items.length; index += 2) dictionary.set(textOf(items[index]) ?? items[index], items[index + 1])
  }

  global(module: unknown, member: unknown): void {
    const path = `${textOf(module) ?? '?'}.${textOf(member) ?? '?'}`
    const known = this.rules.globals.get(path)
    if (known === undefined) throw this.error(`it names ${visibleLine(path.slice(0, longest))}, which is not allowed${this.rules.remedy ?? ''}`)
    this.push(known)
  }

  reduce(): void {
    const parameters = this.pop()
    const callee = this.pop()
    const made = callee instanceof PickleGlobal && Array.isArray(parameters) ? callee.call(parameters) : undefined
    if (made === undefined) throw this.error('a call that is not allowed')
    this.pushContainer(made)
  }

  build(): void {
    const state = this.pop()
    if (!this.rules.build(this.top(), state)) throw this.error('the state of something that has none')
  }

  persistent(): void {
    const id = this.pop()
    const found = this.rules.persistent?.(id)
    if (found === undefined) throw this.error('something that lies outside of it')
    this.pushContainer(found)
  }
}

/** Little-endian, two's complement. */
function longOf(machine: Machine, count: number): number | bigint {
  const bytes = machine.take(count)
  if (count <= 6) return count === 0 ? 0 : bytes.readIntLE(0, count)
  const value = BigInt.asIntN(8 * count, BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`))
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
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
  0x5d: (machine) => machine.pushContainer([]), // EMPTY_LIST
  0x61: (machine) => machine.append([machine.pop()]), // APPEND
  0x65: (machine) => machine.append(machine.popToMark()), // APPENDS
  0x29: (machine) => machine.pushContainer([]), // EMPTY_TUPLE
  0x74: (machine) => machine.pushContainer(machine.popToMark()), // TUPLE
  0x85: (machine) => machine.popTuple(1), // TUPLE1
  0x86: (machine) => machine.popTuple(2), // TUPLE2
  0x87: (machine) => machine.popTuple(3), // TUPLE3
  0x7d: (machine) => machine.pushContainer(new Map()), // EMPTY_DICT
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
  0x51: (machine) => machine.persistent(), // BINPERSID
}
