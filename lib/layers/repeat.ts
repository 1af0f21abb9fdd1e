import { integer, knownKeys } from '../options/values.js'
import type { LayerLike, Repeat } from './layer.js'
import { layerUnderName } from './naming.js'
import { limits, made } from './value.js'

export interface RepeatOptions {
  /** The number that the first copy is named by. @default 0 */
  readonly from?: number
}

/** The layer `count` times, one after the other, each copy with weights of its own, named 0, 1, 2 ... */
export function repeat(count: number, layer: LayerLike, options: RepeatOptions = {}): Repeat {
  knownKeys('repeat', options, ['from'])
  const { from = 0 } = options
  return made({
    kind: 'repeat',
    count: integer('repeat: count', count, 1, limits.copies),
    layer: layerUnderName('repeat: layer', layer),
    from: integer('repeat: from', from, 0, limits.copies),
  })
}
