import { PreresnetError } from '../errors.js'
import { integer, knownKeys, string } from '../options/values.js'
import type { LayerLike, Network, Sequential } from './layer.js'
import { layerUnderName, named, sequenceWithoutName } from './naming.js'
import { limits, made } from './value.js'

/** The options of `network` are these. */
export interface NetworkOptions {
  /** The network has this name for people, in reports and in model files. @default 'network' */
  readonly name?: string
  /** The size of one image is from 1 to 65,536 pixels in height and width, with 1 to 1,000,000 channels. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  /** The layers that an image goes through; a record's keys become parameter names. */
  readonly layers: LayerLike
}

/**
 * Makes a network, which takes an image and gives logits, or feature maps. It is plain data: JSON.stringify writes it, `networkFromJson` reads it.
 * @param options - Its name, the size of its input and its layers.
 * @throws ERR_OPTION where an option is unknown or out of range, a name is taken twice, or there is no layer.
 */
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
