import { invalid } from '../options/values.js'
import type { LayerLike, Sequential } from './layer.js'
import { childName, layerUnderName, named, sequenceWithoutName } from './naming.js'

/**
 * Layers one after the other: an array (children named `norm1`, `conv1`), a record (children named by its keys), or pairs
 * [name, layer] for names that a record cannot have: numbers, and '' for a child that adds nothing to parameter names.
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

export type NamedLayer = readonly [name: string, layer: LayerLike]

function isPairs(layers: LayerLike | readonly NamedLayer[]): layers is readonly NamedLayer[] {
  return Array.isArray(layers) && layers.length > 0 && layers.every((item: unknown) => Array.isArray(item) && item.length === 2 && typeof item[0] === 'string')
}
