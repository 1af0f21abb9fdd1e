import { integer, knownKeys } from '../options/values.js'
import type { LayerLike, Repeat } from './layer.js'
import { layerUnderName } from './naming.js'
import { limits, made } from './value.js'

/** The options of `repeat` are these. */
export interface RepeatOptions {
  /** The number that the first copy is named by is an index from 0 to 10,000. @default 0 */
  readonly from?: number
}

/**
 * Repeats a layer, one copy after the other, each with weights of its own, named 0, 1, 2 ...
 * @param count - The number of copies is from 1 to 10,000.
 * @param layer - What is repeated.
 * @param options - The number that the names begin with.
 * @throws ERR_OPTION where the count, the layer or an option is not as expected.
 */
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
