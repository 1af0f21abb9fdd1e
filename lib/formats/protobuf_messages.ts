/**
 * Messages of protocol buffers described as data: a table says the number and the type of each field, and TypeScript's types, writing and reading
 * (protobuf_reader.ts) follow from it.
 */
import type { FileRange } from './file_range.js'
import { ProtobufWriter } from './protobuf.js'

/** Integers of all widths and enumerations are `int64`: they look alike in a file. */
export type Scalar = 'int64' | 'float' | 'double' | 'string' | 'bytes'
/** Once at most, many times, or many numbers in one field. */
type Count = 'one' | 'many' | 'packed'

export interface Field<T extends Scalar | Message = Scalar | Message, C extends Count = Count> {
  readonly number: number
  readonly type: T
  readonly count: C
}
export interface Message {
  readonly [name: string]: Field
}

export const one = <const T extends Scalar | Message>(number: number, type: T): Field<T, 'one'> => ({ number, type, count: 'one' })
export const many = <const T extends Scalar | Message>(number: number, type: T): Field<T, 'many'> => ({ number, type, count: 'many' })
export const packed = <const T extends 'int64' | 'float' | 'double'>(number: number, type: T): Field<T, 'packed'> => ({ number, type, count: 'packed' })

/** Bytes of a file: those that are many are read when they are asked for. */
export type Bytes = Uint8Array<ArrayBuffer> | FileRange

/** `B`: what bytes are. */
type Element<T, B, D> = T extends 'int64' | 'float' | 'double'
  ? number
  : T extends 'string'
    ? string
    : T extends 'bytes'
      ? B
      : T extends Message
        ? D extends 'decoded'
          ? Decoded<T>
          : Given<T>
        : never
type Packed<T> = T extends 'float' ? Float32Array : T extends 'double' ? Float64Array : readonly number[]
type Value<F, B, D> =
  F extends Field<infer T, infer C> ? (C extends 'one' ? Element<T, B, D> : C extends 'many' ? readonly Element<T, B, D>[] : Packed<T>) : never
type Singles<M extends Message> = { [K in keyof M]: M[K]['count'] extends 'one' ? K : never }[keyof M]

/** A message to be written. */
export type Given<M extends Message> = { readonly [K in keyof M]?: Value<M[K], Uint8Array, 'given'> }
/** A message that was read: what stands in it once may be absent, what stands in it many times may be empty. */
export type Decoded<M extends Message> = { readonly [K in Singles<M>]?: Value<M[K], Bytes, 'decoded'> } & {
  readonly [K in Exclude<keyof M, Singles<M>>]: Value<M[K], Bytes, 'decoded'>
}

/** Writes a message: fields in the order of its table. */
export function encodeMessage<M extends Message>(message: M, value: Given<M>): ProtobufWriter {
  const writer = new ProtobufWriter()
  for (const [name, field] of Object.entries(message)) {
    const given = (value as Readonly<Record<string, unknown>>)[name]
    if (given === undefined) continue
    if (field.count === 'many') for (const element of given as readonly unknown[]) encodeElement(writer, field, element)
    else if (field.count === 'packed') encodePacked(writer, field, given as Float32Array | Float64Array | readonly number[])
    else encodeElement(writer, field, given)
  }
  return writer
}

function encodeElement(writer: ProtobufWriter, { number, type }: Field, value: unknown): void {
  if (typeof type === 'object') writer.message(number, encodeMessage(type, value as Given<Message>))
  else if (type === 'string') writer.string(number, value as string)
  else if (type === 'bytes') writer.bytes(number, value as Uint8Array)
  else writer[type](number, value as number)
}

function encodePacked(writer: ProtobufWriter, { number }: Field, values: Float32Array | Float64Array | readonly number[]): void {
  if (values.length === 0) return
  if (ArrayBuffer.isView(values)) writer.bytes(number, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  else writer.packedInt64(number, values)
}
