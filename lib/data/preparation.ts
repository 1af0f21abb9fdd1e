/**
 * How a file becomes an image: the shorter side is resized to `resize`, and the centre cut out; or (0) the file has the size and stays as it is. One
 * rule for training, validation and serving; a model file carries its `resize`.
 */
import type { NativeBinding } from '../native/types.js'
import type { Dataset } from './dataset.js'

type Size = Pick<Dataset['shape'], 'height' | 'width'>

/** Where nothing else is said: a border of an eighth goes, as 256 and 224 are usual for ImageNet. */
export function usualResize({ height, width }: Size): number {
  return Math.round(Math.max(height, width) / 0.875)
}

/**
 * For `decodeImage`: as files of that size and `resize` were prepared by the loader. Where these had the size (0, or not known), files of other sizes, which
 * a dataset would refuse, are resized as is usual.
 */
export function preparationOf({ height, width, channels }: Dataset['shape'], resize = 0): Parameters<NativeBinding['decodeImage']>[1] {
  const kept = resize === 0
  return { channels, height, width, resize: kept ? usualResize({ height, width }) : resize, keepFitting: kept }
}
