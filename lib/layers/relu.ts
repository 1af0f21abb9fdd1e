import type { Relu } from './layer.js'
import { made } from './value.js'

/** max(x, 0). */
export function relu(): Relu {
  return made({ kind: 'relu' })
}
