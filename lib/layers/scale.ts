import { knownKeys } from '../options/values.js'
import type { Scale } from './layer.js'
import { finite, made } from './value.js'

export interface ScaleOptions {
  readonly factor: number
}

/** Multiplication by a constant. */
export function scale(options: ScaleOptions): Scale {
  knownKeys('scale', options, ['factor'])
  return made({ kind: 'scale', factor: finite('scale: factor', options.factor) })
}
