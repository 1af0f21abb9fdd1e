import type { Relu } from './layer.js'
import { made } from './value.js'

/** Makes a layer that takes the larger of x and 0, value by value. */
export function relu(): Relu {
  return made({ kind: 'relu' })
}
