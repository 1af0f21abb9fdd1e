import { knownKeys } from '../options/values.js'
import type { Scale } from './layer.js'
import { finite, made } from './value.js'

/** The options of `scale` are these. */
export interface ScaleOptions {
  /** The factor can be any finite number. */
  readonly factor: number
}

/**
 * Makes a layer that multiplies every value by a constant.
 * @param options - What it multiplies by.
 * @throws ERR_OPTION where the factor is no finite number.
 */
export function scale(options: ScaleOptions): Scale {
  knownKeys('scale', options, ['factor'])
  return made({ kind: 'scale', factor: finite('scale: factor', options.factor) })
}
