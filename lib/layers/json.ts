/** Networks from plain data, as model files and checkpoints carry them. Every value goes through the function that makes its layer. */
import { PreresnetError } from '../errors.js'
import { invalid, knownKeys, oneOf } from '../options/values.js'
import { batchNorm } from './batch_norm.js'
import { conv2d } from './conv2d.js'
import { dropout } from './dropout.js'
import type { Layer, Network, Sequential, Shortcut } from './layer.js'
import { linear } from './linear.js'
import { childName, named } from './naming.js'
import { network } from './network.js'
import { optionA } from './option_a.js'
import * as pools from './pool.js'
import { relu } from './relu.js'
import { repeat } from './repeat.js'
import { residual } from './residual.js'
import { scale } from './scale.js'
import { gate, identity, layersShortcut } from './shortcut.js'

type Data = { readonly [key: string]: unknown }

/** Deep enough for any network; a hostile file must not exhaust the stack. */
const deepest = 64

/**
 * Reads what JSON.stringify (and JSON.parse) make of a network.
 * @param value - Plain data of the form of `Network`.
 * @throws ERR_OPTION where the data is no network; the message names the part that is wrong.
 */
export function networkFromJson(value: unknown): Network {
  const { kind, name, input, layers, ...rest } = record('network', value)
  knownKeys('network', rest, [])
  oneOf('network: kind', kind, ['network'])
  return network({ name: name as string, input: input as Network['input'], layers: sequence('network', layers, 0) })
}

type Reader = (where: string, data: Data, depth: number) => Layer

/** Layers that are made from options alone, by the functions of their names. */
type Plain = Exclude<Layer['kind'], 'relu' | 'globalAveragePool' | 'sequential' | 'repeat' | 'residual'>
const plain: { readonly [K in Plain]: (options: never) => Layer } = { batchNorm, conv2d, dropout, linear, optionA, scale, ...pools }

const others: { readonly [K in Exclude<Layer['kind'], Plain>]: Reader } = {
  relu: (_, data) => {
    knownKeys('relu', data, [])
    return relu()
  },
  globalAveragePool: (_, data) => {
    knownKeys('globalAveragePool', data, [])
    return pools.globalAveragePool()
  },
  sequential: (where, data, depth) => {
    knownKeys('sequential', data, ['children'])
    const { children } = data
    if (!Array.isArray(children)) throw invalid('sequential: children', 'an array of [name, layer]', children)
    return named(
      'sequential',
      children.map((child: unknown) => namedChild(where, child, depth)),
    )
  },
  repeat: (where, { count, layer, ...options }, depth) => repeat(count as number, read(`${where}.*`, layer, depth + 1), options),
  residual: (where, { branch, shortcut, after, ...options }, depth) =>
    residual({
      ...options,
      branch: sequence(where, branch, depth + 1),
      ...(shortcut !== undefined && { shortcut: readShortcut(`${where}.downsample`, shortcut, depth + 1) }),
      ...(after !== undefined && { after: sequence(where, after, depth + 1) }),
    }),
}

function read(where: string, value: unknown, depth: number): Layer {
  if (depth > deepest) throw new PreresnetError('ERR_OPTION', `network: expected layers at most ${deepest} deep, got more`)
  const { kind, ...data } = record(where, value)
  const known = oneOf(`${where}: kind`, kind, Object.keys({ ...plain, ...others }) as Layer['kind'][])
  return at(where, () => (known in others ? others[known as keyof typeof others](where, data, depth) : plain[known as Plain](data as never)))
}

function sequence(where: string, value: unknown, depth: number): Sequential {
  const layer = read(where, value, depth)
  if (layer.kind !== 'sequential') throw invalid(`${where}: kind`, '"sequential"', layer.kind)
  return layer
}

function namedChild(where: string, child: unknown, depth: number): readonly [string, Layer] {
  if (!Array.isArray(child) || child.length !== 2) throw invalid('sequential: children', 'pairs [name, layer]', child)
  const [name, layer] = child as [unknown, unknown]
  if (typeof name !== 'string' || !childName.test(name)) throw invalid('sequential: children', 'names of letters, digits, _ and -', name)
  return [name, read(name === '' ? where : `${where}.${name}`, layer, depth + 1)]
}

function readShortcut(where: string, value: unknown, depth: number): Shortcut {
  const { kind, ...data } = record(where, value)
  switch (oneOf(`${where}: kind`, kind, ['identity', 'layers', 'gate'])) {
    case 'identity':
      knownKeys(where, data, [])
      return identity()
    case 'layers':
      knownKeys(where, data, ['layers'])
      return layersShortcut(sequence(where, data['layers'], depth))
    case 'gate':
      knownKeys(where, data, ['gate', 'biasInit'])
      return gate({ kind: data['gate'] as 'exclusive', biasInit: data['biasInit'] as number })
  }
}

function record(where: string, value: unknown): Data {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Data
  throw invalid(where, 'an object', value)
}

/** A constructor knows its layer's type, not its path: the innermost path is put before its message. */
function at<T>(where: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof PreresnetError) || error.message.startsWith('network')) throw error
    throw new PreresnetError(error.code, `${where}: ${error.message}`, { cause: error })
  }
}
