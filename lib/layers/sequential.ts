import { invalid } from '../options/values.js'
import type { LayerLike, Sequential } from './layer.js'
import { childName, layerUnderName, named, sequenceWithoutName } from './naming.js'

/**
 * Makes one layer of several that follow one another: an array (children are named `norm1`, `conv1`), a record (children are named by its keys), or pairs
 * [name, layer] for names that a record cannot have: numbers, and '' for a child that adds nothing to parameter names.
 * @param layers - The layers in their order.
 * @throws ERR_OPTION where something is no layer, or a name is malformed or taken twice.
 */
export function sequential(layers: LayerLike | readonly NamedLayer[]): Sequential {
  if (!isPairs(layers)) return sequenceWithoutName('sequential', layers)
  return named(
    'sequential',
    layers.map(([name, layer]) => {
      if (!childName.test(name)) throw invalid('sequential', 'names of letters, digits, _ and -', name)
      return [name, layerUnderName(`sequential: ${name}`, layer)]
    }),
  )
}

/** A pair of a name and a layer is a child of `sequential`. */
export type NamedLayer = readonly [name: string, layer: LayerLike]

function isPairs(layers: LayerLike | readonly NamedLayer[]): layers is readonly NamedLayer[] {
  return Array.isArray(layers) && layers.length > 0 && layers.every((item: unknown) => Array.isArray(item) && item.length === 2 && typeof item[0] === 'string')
}
