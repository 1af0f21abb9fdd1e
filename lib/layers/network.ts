import { PreresnetError } from '../errors.js'
import { integer, knownKeys, string } from '../options/values.js'
import type { LayerLike, Network, Sequential } from './layer.js'
import { layerUnderName, named, sequenceWithoutName } from './naming.js'
import { limits, made } from './value.js'

export interface NetworkOptions {
  /** For people, reports and model files. @default 'network' */
  readonly name?: string
  /** Size of one image. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  /** A record's keys become parameter names. */
  readonly layers: LayerLike
}

/** A network: an image in, logits (or feature maps) out. Plain data: JSON.stringify writes it, `networkFromJson` reads it. */
export function network(options: NetworkOptions): Network {
  knownKeys('network', options, ['name', 'input', 'layers'])
  const { name = 'network', input } = options
  const layers = rootSequence(options.layers)
  if (layers.children.length === 0) throw new PreresnetError('ERR_OPTION', 'network: layers: expected at least one layer, got none')
  return made({ kind: 'network', name: string('network: name', name), input: inputSize(input), layers })
}

/** A layer alone has no name, so that a network may be a single unit with the unit's own parameter names. */
function rootSequence(like: LayerLike): Sequential {
  if (Array.isArray(like)) return sequenceWithoutName('network: layers', like)
  const layer = layerUnderName('network: layers', like)
  return layer.kind === 'sequential' ? layer : named('network', [['', layer]])
}

function inputSize(input: NetworkOptions['input']): Network['input'] {
  knownKeys('network: input', input, ['height', 'width', 'channels'])
  return Object.freeze({
    height: integer('network: input.height', input.height, 1, limits.image),
    width: integer('network: input.width', input.width, 1, limits.image),
    channels: integer('network: input.channels', input.channels, 1, limits.channels),
  })
}
