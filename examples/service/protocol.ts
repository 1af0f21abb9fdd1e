/** The open inference protocol (KServe v2) of one model: images in, tensors out, as JSON or with its extension for binary tensors. */
import type { Classifier } from 'preresnet'
import type { ImageInput, InferenceOutputs } from 'preresnet/types'
import { limits } from './limits.js'

/** What is wrong with a request, and the status that says so. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

const outputs = ['probabilities', 'logits', 'features'] as const
type Output = (typeof outputs)[number]

interface TensorMetadata {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
}

export interface InferRequest {
  readonly id?: string
  readonly images: readonly ImageInput[]
  /** What is wanted, and whether as bytes behind the JSON. */
  readonly wanted: readonly { readonly name: Output; readonly binary: boolean }[]
}

/** An image is one file (`image`), or pixels of the network's own number of channels (`pixels`). */
export function modelMetadata(name: string, { classes, input }: Classifier, features: number): unknown {
  const tensor = (tensorName: string, datatype: string, shape: readonly number[]): TensorMetadata => ({ name: tensorName, datatype, shape })
  return {
    name,
    platform: 'preresnet',
    inputs: [tensor('image', 'BYTES', [-1]), tensor('pixels', 'UINT8', [-1, -1, -1, input.channels])],
    outputs: outputs.map((output) => tensor(output, 'FP32', [-1, output === 'features' ? features : classes.length])),
  }
}

type Json = Readonly<Record<string, unknown>>

function object(where: string, value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new Refusal(400, `${where}: expected an object`)
}

/** `headerLength`: bytes of the JSON where tensors follow it. */
export function parseRequest(body: Buffer, headerLength: string | undefined, channels: number): InferRequest {
  const length = headerLength === undefined ? body.length : Number(headerLength)
  if (!Number.isInteger(length) || length < 0 || length > body.length)
    throw new Refusal(400, 'Inference-Header-Content-Length: expected a length within the body')
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8', 0, length))
  } catch (error) {
    throw new Refusal(400, `expected JSON: ${(error as Error).message}`)
  }
  const { id, inputs, outputs: asked, parameters } = object('request', parsed)
  if (id !== undefined && typeof id !== 'string') throw new Refusal(400, 'id: expected a string')
  if (!Array.isArray(inputs) || inputs.length !== 1) throw new Refusal(400, 'inputs: expected one tensor, "image" or "pixels"')
  const input = object('inputs[0]', inputs[0])
  const images = input['name'] === 'pixels' ? pixelsOf(input, body.subarray(length), channels) : filesOf(input, body.subarray(length))
  const binary = parameters !== undefined && object('parameters', parameters)['binary_data_output'] === true
  return { ...(id !== undefined && { id }), images, wanted: wantedOf(asked, binary) }
}

function wantedOf(asked: unknown, binary: boolean): InferRequest['wanted'] {
  if (asked === undefined) return outputs.map((name) => ({ name, binary }))
  if (!Array.isArray(asked)) throw new Refusal(400, 'outputs: expected an array')
  return asked.map((entry) => {
    const { name, parameters } = object('outputs', entry)
    const found = outputs.find((output) => output === name)
    if (found === undefined) throw new Refusal(400, `outputs: expected ${outputs.join(', ')}, got ${JSON.stringify(name)}`)
    const own = parameters === undefined ? undefined : object('outputs: parameters', parameters)['binary_data']
    return { name: found, binary: typeof own === 'boolean' ? own : binary }
  })
}

/** Its first size is the number of images. */
function shapeOf(input: Json, datatype: string, dimensions: number): number[] {
  if (input['datatype'] !== datatype) throw new Refusal(400, `inputs[0]: datatype: expected ${datatype}, got ${JSON.stringify(input['datatype'])}`)
  const { shape } = input
  if (!Array.isArray(shape) || shape.length !== dimensions || !shape.every((size) => Number.isInteger(size) && (size as number) > 0))
    throw new Refusal(400, `inputs[0]: shape: expected ${dimensions} sizes of at least 1`)
  // Before anything is made for each image: a body has room for millions of empty ones.
  const [count] = shape as [number]
  if (count > limits.images) throw new Refusal(400, `inputs[0]: expected 1 to ${limits.images} images, got ${count}`)
  return shape as number[]
}

/** The bytes of the tensor behind the JSON; undefined where its values are in the JSON. */
function binaryOf(input: Json, behind: Buffer): Buffer | undefined {
  const size = input['parameters'] === undefined ? undefined : object('inputs[0]: parameters', input['parameters'])['binary_data_size']
  if (size === undefined) return undefined
  if (size !== behind.length) throw new Refusal(400, `inputs[0]: binary_data_size: expected the ${behind.length} bytes behind the JSON`)
  return behind
}

/** Each element is a file: in JSON its base64, in a binary tensor its length in 4 bytes and itself. */
function filesOf(input: Json, behind: Buffer): Uint8Array[] {
  if (input['name'] !== 'image') throw new Refusal(400, `inputs[0]: name: expected "image" or "pixels", got ${JSON.stringify(input['name'])}`)
  const [count] = shapeOf(input, 'BYTES', 1) as [number]
  const bytes = binaryOf(input, behind)
  if (bytes !== undefined) return filesIn(bytes, count)
  const { data } = input
  if (!Array.isArray(data) || !data.every((text) => typeof text === 'string')) throw new Refusal(400, 'inputs[0]: data: expected an array of base64 texts')
  if (data.length !== count) throw new Refusal(400, `inputs[0]: expected ${count} elements as shape says, got ${data.length}`)
  return data.map((text) => Buffer.from(text, 'base64'))
}

function filesIn(bytes: Buffer, count: number): Uint8Array[] {
  let at = 0
  const files = Array.from({ length: count }, () => {
    const begin = at + 4
    at = begin <= bytes.length ? begin + bytes.readUInt32LE(at) : Infinity
    if (at > bytes.length) throw new Refusal(400, 'inputs[0]: a length that goes beyond the body')
    return bytes.subarray(begin, at)
  })
  if (at < bytes.length) throw new Refusal(400, `inputs[0]: expected ${count} elements as shape says, got more bytes`)
  return files
}

function pixelsOf(input: Json, behind: Buffer, channels: number): ImageInput[] {
  const [count, height, width, last] = shapeOf(input, 'UINT8', 4) as [number, number, number, number]
  const size = height * width * channels
  const given = binaryOf(input, behind) ?? (Array.isArray(input['data']) ? (input['data'] as unknown[]).flat(3) : [])
  if (last !== channels) throw new Refusal(400, `inputs[0]: shape: expected ${channels} channels, got ${last}`)
  if (given.length !== count * size) throw new Refusal(400, `inputs[0]: data: expected ${count * size} values as shape says, got ${given.length}`)
  if (!Buffer.isBuffer(given) && !given.every((value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255))
    throw new Refusal(400, 'inputs[0]: data: expected integers from 0 to 255')
  const bytes = Buffer.isBuffer(given) ? given : Uint8Array.from(given as number[])
  return Array.from({ length: count }, (_, index) => ({ pixels: bytes.subarray(index * size, (index + 1) * size), height, width }))
}

export interface InferResponse {
  readonly body: Buffer
  /** Bytes of the JSON where tensors follow it. */
  readonly headerLength?: number
}

export function formatResponse(model: string, { id, wanted }: InferRequest, answers: readonly InferenceOutputs[]): InferResponse {
  const tensors: Buffer[] = []
  const described = wanted.map(({ name, binary }) => {
    const rows = answers.map((answer) => answer[name] ?? new Float32Array())
    const head = { name, datatype: 'FP32', shape: [rows.length, rows[0]!.length] }
    if (!binary) return { ...head, data: rows.flatMap((row) => [...row]) }
    const bytes = Buffer.concat(rows.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)))
    tensors.push(bytes)
    return { ...head, parameters: { binary_data_size: bytes.length } }
  })
  const json = Buffer.from(JSON.stringify({ model_name: model, ...(id !== undefined && { id }), outputs: described }))
  return tensors.length === 0 ? { body: json } : { body: Buffer.concat([json, ...tensors]), headerLength: json.length }
}
