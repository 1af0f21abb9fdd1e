/** Parts of ONNX files, as tests put them together. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { modelProto, type GivenAttribute, type GivenNode, type GivenTensor } from '../../lib/exchange/onnx/messages.js'
import { encodeMessage, type Given } from '../../lib/formats/protobuf_messages.js'
import { temporaryFolder } from '../support/folder.js'

export const attribute = (name: string, value: number | readonly number[] | string): GivenAttribute => {
  if (typeof value === 'number') return { name, int: value, type: 2 }
  return typeof value === 'string' ? { name, string: Buffer.from(value), type: 3 } : { name, ints: value, type: 7 }
}
type Attributes = Readonly<Record<string, number | readonly number[] | string>>
export const node = (operator: string, inputs: readonly string[], output: string, attributes: Attributes = {}): GivenNode => ({
  operator,
  inputs,
  outputs: [output],
  name: output,
  attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
})
export const floats = (name: string, dims: readonly number[], values?: readonly number[]): GivenTensor => {
  const count = dims.reduce((product, size) => product * size, 1)
  const data = Float32Array.from(values ?? Array.from({ length: count }, (_, index) => index - 2))
  return { name, dims, dataType: 1, rawData: new Uint8Array(data.buffer) }
}
export const integers = (name: string, values: readonly number[]): GivenTensor => ({ name, dims: [values.length], dataType: 7, int64Data: values })
export const value = (name: string, sizes: readonly (number | string)[]) => ({
  name,
  type: { tensorType: { elementType: 1, shape: { dimensions: sizes.map((size) => (typeof size === 'string' ? { parameter: size } : { value: size })) } } },
})

export async function write(t: ExecutionContext, model: Given<typeof modelProto>): Promise<string> {
  const file = join(await temporaryFolder(t), 'model.onnx')
  await writeFile(file, encodeMessage(modelProto, model).finish())
  return file
}
