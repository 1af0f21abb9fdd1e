import { sequenceWithoutName } from './naming.js'
import type { LayerLike, Sequential } from './layer.js'

/** Layers one after the other: an array (children named `norm1`, `conv1`) or a record (children named by its keys). */
export function sequential(layers: LayerLike): Sequential {
  return sequenceWithoutName('sequential', layers)
}
