import type { CorruptSamples } from '../native/types.js'
import type { CorruptImage } from './dataset.js'

/** As native code names them. */
export function corruptImages({ samples, reasons }: CorruptSamples): readonly CorruptImage[] {
  return reasons.map((reason, position) => ({ sample: samples[position]!, reason }))
}
