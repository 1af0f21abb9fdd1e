/**
 * Reads protocol buffers by the tables of protobuf_messages.ts. Every length is compared with what is there before anything is allocated by it; fields that the
 * table does not list are skipped. Of a file only what is needed lies in memory: long values are left where they are.
 */
import { PreresnetError } from '../errors.js'
import { FileRange, FileWindow, type SizedFile } from './file_range.js'
import type { Decoded, Field, Message } from './protobuf_messages.js'
import { Malformed, ProtobufCursor, type WireType } from './protobuf_cursor.js'

/** A message of at most so many bytes is read as a whole, and longer bytes are left in the file. */
const wholeBytes = 1 << 18
/** What is read of a file at least. */
const windowBytes = 1 << 16
/** A key and a length. */
const mostHeadBytes = 20
/** Of a file: two bytes can make an object of a hundred, and a file must not fill the memory. */
const mostValues = 1_000_000

type Values = Record<string, unknown>

/** A message in memory. ERR_FILE says in which field and at which byte it is malformed; `path` is whose bytes they are. */
export function decodeMessage<M extends Message>(message: M, path: string, bytes: Uint8Array): Decoded<M> {
  try {
    return decodeWhole(message, new ProtobufCursor(bytes, 0), new Budget()) as Decoded<M>
  } catch (error) {
    throw malformed(path, error)
  }
}

/** A message that is a whole file. ERR_FILE says in which field and at which byte it is malformed. */
export async function decodeFile<M extends Message>(message: M, file: SizedFile, kind?: string): Promise<Decoded<M>> {
  try {
    return (await decodeRange(message, new FileWindow(file, windowBytes), [0, file.size], new Budget())) as Decoded<M>
  } catch (error) {
    throw malformed(file.path, error, kind)
  }
}

/** `kind`: what the file should be; where not even its outermost fields can be read, it may be something else. */
function malformed(path: string, error: unknown, kind?: string): unknown {
  if (!(error instanceof Malformed)) return error
  const { trail, position, message } = error
  const field = trail.length === 0 ? '' : `${trail.join('.')}: `
  return new PreresnetError('ERR_FILE', `${path}: ${field}byte ${position}: ${message}${field === '' && kind !== undefined ? `; is it ${kind}?` : ''}`)
}

/** How many more values a file may have. */
class Budget {
  #left = mostValues

  take(position: number, count: number): void {
    this.#left -= count
    if (this.#left < 0) throw new Malformed(position, `expected at most ${mostValues} values, got more`)
  }
}

/** Through the bytes of a file from `begin` to `end`. */
const cursorOf = async (window: FileWindow, begin: number, end: number): Promise<ProtobufCursor> =>
  new ProtobufCursor(await window.read(begin, end - begin), begin)

async function decodeRange(message: Message, window: FileWindow, [begin, end]: readonly [number, number], budget: Budget): Promise<Values> {
  if (end - begin <= wholeBytes) return decodeWhole(message, await cursorOf(window, begin, end), budget)
  const fields = fieldsOf(message)
  const values = emptyOf(message)
  for (let at = begin; at < end;) {
    const head = await cursorOf(window, at, Math.min(at + mostHeadBytes, end))
    const { number, wireType } = head.key()
    const known = fields.get(number)
    if (wireType !== 2) {
      if (known === undefined) head.skip(wireType)
      else decodeField(known, values, head, wireType, budget)
      at = head.position
      continue
    }
    const next = endOf(head, known, values, end)
    if (known !== undefined && next - head.position > wholeBytes && isLeft(known[1])) await decodeLong(known, values, window, [head.position, next], budget)
    else if (known !== undefined) {
      const whole = await cursorOf(window, at, next)
      whole.key()
      decodeField(known, values, whole, wireType, budget)
    }
    at = next
  }
  return values
}

/** Where a value that follows a length ends. */
function endOf(head: ProtobufCursor, known: Known | undefined, values: Values, end: number): number {
  try {
    const length = head.length(end)
    return head.position + length
  } catch (error) {
    throw known === undefined ? error : within(known, values, error)
  }
}

/** What is not read as a whole where it is long. */
const isLeft = ({ type }: Field): boolean => typeof type === 'object' || type === 'bytes'

async function decodeLong(known: Known, values: Values, window: FileWindow, range: readonly [number, number], budget: Budget): Promise<void> {
  const { type } = known[1]
  const [begin, end] = range
  try {
    budget.take(begin, 1)
    store(known, values, begin, typeof type === 'object' ? await decodeRange(type, window, range, budget) : new FileRange(window.file, begin, end - begin))
  } catch (error) {
    throw within(known, values, error)
  }
}

type Known = readonly [name: string, field: Field]

const byNumber = new WeakMap<Message, ReadonlyMap<number, Known>>()

function fieldsOf(message: Message): ReadonlyMap<number, Known> {
  let fields = byNumber.get(message)
  if (fields === undefined) byNumber.set(message, (fields = new Map(Object.entries(message).map((entry) => [entry[1].number, entry]))))
  return fields
}

function emptyOf(message: Message): Values {
  const values: Values = {}
  for (const [name, { count, type }] of Object.entries(message)) {
    if (count === 'many') values[name] = []
    else if (count === 'packed') values[name] = type === 'float' ? new Float32Array(0) : type === 'double' ? new Float64Array(0) : []
  }
  return values
}

function decodeWhole(message: Message, cursor: ProtobufCursor, budget: Budget): Values {
  const fields = fieldsOf(message)
  const values = emptyOf(message)
  while (!cursor.atEnd) {
    const { number, wireType } = cursor.key()
    const field = fields.get(number)
    if (field === undefined) cursor.skip(wireType)
    else decodeField(field, values, cursor, wireType, budget)
  }
  return values
}

function decodeField(known: Known, values: Values, cursor: ProtobufCursor, wireType: WireType, budget: Budget): void {
  const { type, count } = known[1]
  const { position } = cursor
  try {
    budget.take(position, 1)
    if (count !== 'one' && wireType === 2 && (type === 'int64' || type === 'float' || type === 'double')) {
      const numbers = cursor.packed(type, (values) => budget.take(position, values))
      if (count === 'packed') return store(known, values, position, numbers)
      for (const number of numbers) store(known, values, position, number)
      return
    }
    if (count === 'packed') throw new Malformed(position, `expected packed numbers, got a single one`)
    store(known, values, position, decodeElement(type, cursor, wireType, budget))
  } catch (error) {
    throw within(known, values, error)
  }
}

function decodeElement(type: Field['type'], cursor: ProtobufCursor, wireType: WireType, budget: Budget): unknown {
  if (typeof type !== 'object') return cursor.scalar(type, wireType)
  return decodeWhole(type, cursor.part(wireType), budget)
}

function store([name, { count }]: Known, values: Values, position: number, value: unknown): void {
  const before = values[name]
  if (count === 'many') (before as unknown[]).push(value)
  else if (before === undefined || (count === 'packed' && (before as ArrayLike<number>).length === 0)) values[name] = value
  else throw new Malformed(position, 'stands twice')
}

/** The same error, and where it was. */
function within([name, { count }]: Known, values: Values, error: unknown): unknown {
  if (error instanceof Malformed) error.trail.unshift(count === 'many' ? `${name}[${(values[name] as unknown[]).length}]` : name)
  return error
}
