/** Augmentations as the addon takes them. */
import type { NativeAugmentation } from '../../native/types.js'
import type { Augmentation } from './augmentations.js'

/** As native/addon/augmentations.cpp reads it. */
export function nativeAugmentation(step: Augmentation): NativeAugmentation {
  return { kind: step.kind, numbers: Float64Array.from(numbersOf(step)) }
}

const nothing = [NaN, NaN] as const

function numbersOf(step: Augmentation): readonly number[] {
  switch (step.kind) {
    case 'colorJitter':
      return [step.brightness, step.contrast, step.saturation, step.hue].flatMap((factors) => factors ?? nothing)
    case 'lighting':
      return [step.std]
    case 'randomErasing':
      return [step.probability, ...step.area, ...step.aspect, ...(step.color.length === 1 ? [0, 1, 2].map(() => step.color[0]!) : step.color)]
    case 'trivialAugment':
      return [step.bins]
    case 'randAugment':
      return [step.operations, step.magnitude, step.bins]
  }
}
