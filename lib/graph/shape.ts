/** Shape inference: what a layer makes of one sample. ERR_SHAPE names the layer and the shapes. */
import { PreresnetError } from '../errors.js'
import type { Conv2d, Layer, OptionA } from '../layers/layer.js'
import type { SampleShape } from './graph.js'

export type ImageShape = Extract<SampleShape, { kind: 'image' }>
type FeatureShape = Extract<SampleShape, { kind: 'features' }>

/** `32 x 16 x 16` (channels, height, width) or `64 features`. */
export function showShape(shape: SampleShape): string {
  return shape.kind === 'image' ? `${shape.channels} x ${shape.height} x ${shape.width}` : `${shape.features} features`
}

export function sameShape(a: SampleShape, b: SampleShape): boolean {
  if (a.kind === 'image') return b.kind === 'image' && a.channels === b.channels && a.height === b.height && a.width === b.width
  return b.kind === 'features' && a.features === b.features
}

export function shapeError(name: string, message: string): PreresnetError {
  return new PreresnetError('ERR_SHAPE', `${name}: ${message}`)
}

export function imageShape(name: string, layer: string, shape: SampleShape): ImageShape {
  if (shape.kind === 'image') return shape
  throw shapeError(name, `${layer} expects an image, got ${showShape(shape)}`)
}

export function featureShape(name: string, layer: string, shape: SampleShape): FeatureShape {
  if (shape.kind === 'features') return shape
  throw shapeError(name, `${layer} expects features (globalAveragePool() makes them), got an image of ${showShape(shape)}`)
}

export function convolved(name: string, layer: Window & Pick<Conv2d, 'channels'>, input: SampleShape): ImageShape {
  return windowed(name, layer, imageShape(name, 'conv2d', input), layer.channels)
}

/** Layers that slide a window over the image. */
type Windowed = Extract<Layer, { kernel: number; stride: number; padding: number }>
/** What of a layer decides the shape: a node of the graph has it too. */
type Window = Pick<Windowed, 'kind' | 'kernel' | 'stride' | 'padding'> & { readonly ceil?: true }

export function pooled(name: string, layer: Window, input: SampleShape): ImageShape {
  const image = imageShape(name, layer.kind, input)
  return windowed(name, layer, image, image.channels)
}

/** Every stride-th row and column, channels filled up. */
export function subsampled(name: string, layer: Pick<OptionA, 'channels' | 'stride'>, input: SampleShape): ImageShape {
  const image = imageShape(name, 'optionA', input)
  if (layer.channels < image.channels) throw shapeError(name, `optionA can only add channels: expected at least ${image.channels}, got ${layer.channels}`)
  return { kind: 'image', channels: layer.channels, height: Math.ceil(image.height / layer.stride), width: Math.ceil(image.width / layer.stride) }
}

function windowed(name: string, layer: Window, image: ImageShape, channels: number): ImageShape {
  const { kernel, stride, padding, ceil } = layer
  const size = (side: number): number => {
    const windows = Math.floor((side + 2 * padding - kernel) / stride) + 1
    // One more, if it has pixels that no other has, and begins before the image ends.
    const reaches = ceil === true && windows >= 1 && (windows - 1) * stride + kernel < side + 2 * padding && windows * stride < side + padding
    return reaches ? windows + 1 : windows
  }
  const height = size(image.height)
  const width = size(image.width)
  if (height >= 1 && width >= 1) return { kind: 'image', channels, height, width }
  throw shapeError(name, `a ${kernel} x ${kernel} kernel with padding ${padding} is larger than its input of ${showShape(image)}`)
}
