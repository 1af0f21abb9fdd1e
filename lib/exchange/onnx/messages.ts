/**
 * The messages of an ONNX file that a network is written and read with, from onnx.proto (IR version 8). What is not listed is skipped when a file is read:
 * what it would say (graphs in attributes, functions, sparse tensors) is missed by whoever needs it.
 */
import { many, one, packed, type Decoded, type Given } from '../../formats/protobuf_messages.js'

const keyValue = { key: one(1, 'string'), value: one(2, 'string') }

const tensorProto = {
  dims: many(1, 'int64'),
  dataType: one(2, 'int64'),
  floatData: packed(4, 'float'),
  int32Data: packed(5, 'int64'),
  int64Data: packed(7, 'int64'),
  name: one(8, 'string'),
  rawData: one(9, 'bytes'),
  doubleData: packed(10, 'double'),
  externalData: many(13, keyValue),
  /** One of `dataLocations`. */
  dataLocation: one(14, 'int64'),
}

const dimension = { value: one(1, 'int64'), parameter: one(2, 'string') }
const tensorType = { elementType: one(1, 'int64'), shape: one(2, { dimensions: many(1, dimension) }) }

const valueInfoProto = { name: one(1, 'string'), type: one(2, { tensorType: one(1, tensorType) }) }

const attributeProto = {
  name: one(1, 'string'),
  float: one(2, 'float'),
  int: one(3, 'int64'),
  string: one(4, 'bytes'),
  tensor: one(5, tensorProto),
  floats: many(7, 'float'),
  ints: many(8, 'int64'),
  strings: many(9, 'bytes'),
  type: one(20, 'int64'),
}

const nodeProto = {
  inputs: many(1, 'string'),
  outputs: many(2, 'string'),
  name: one(3, 'string'),
  operator: one(4, 'string'),
  attributes: many(5, attributeProto),
  domain: one(7, 'string'),
}

const graphProto = {
  nodes: many(1, nodeProto),
  name: one(2, 'string'),
  initializers: many(5, tensorProto),
  inputs: many(11, valueInfoProto),
  outputs: many(12, valueInfoProto),
}

export const modelProto = {
  irVersion: one(1, 'int64'),
  producerName: one(2, 'string'),
  producerVersion: one(3, 'string'),
  graph: one(7, graphProto),
  operatorSets: many(8, { domain: one(1, 'string'), version: one(2, 'int64') }),
  metadata: many(14, keyValue),
}

/** TensorProto.DataLocation: the values are in the file that `externalData` names. */
export const dataLocations = { external: 1 } as const
/** TensorProto.DataType, as far as weights and inputs have them. */
export const dataTypes = { float: 1, uint8: 2, int32: 6, int64: 7, float16: 10, double: 11, bfloat16: 16 } as const
/** AttributeProto.AttributeType, as far as it is written. */
export const attributeTypes = { float: 1, int: 2, ints: 7 } as const

export type OnnxModel = Decoded<typeof modelProto>
export type OnnxGraph = Decoded<typeof graphProto>
export type OnnxNode = Decoded<typeof nodeProto>
export type OnnxTensor = Decoded<typeof tensorProto>

export type GivenNode = Given<typeof nodeProto>
export type GivenTensor = Given<typeof tensorProto>
export type GivenAttribute = Given<typeof attributeProto>
export type GivenValueInfo = Given<typeof valueInfoProto>
