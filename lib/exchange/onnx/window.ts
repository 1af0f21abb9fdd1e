/** Windows of convolutions and poolings: what ONNX says of them, and what that comes to. */
import type { ImageShape } from '../../graph/shape.js'
import type { Operator, Value } from './operator.js'

export interface Window {
  readonly kernel: readonly [height: number, width: number]
  readonly stride: number
  /** Rows above, columns to the left, rows below, columns to the right. */
  readonly pads: readonly [number, number, number, number]
  readonly output: readonly [height: number, width: number]
}

/** ERR_FILE for what slides otherwise than ResNets' windows do. */
export function windowOf(operator: Operator, image: ImageShape, kernel: readonly [number, number]): Window {
  const two = (name: string, fallback: number): readonly number[] => {
    const given = operator.integers(name) ?? [fallback, fallback]
    if (given.length === 2 && given.every((value) => value === given[0] && value >= 1)) return given
    throw operator.error(`${name}: one size for rows and columns`, given)
  }
  const stride = two('strides', 1)[0]!
  if (two('dilations', 1)[0] !== 1) throw operator.error('dilations of 1', operator.integers('dilations'))
  const pads = padsOf(operator, image, kernel, stride)
  const isCeil = operator.integer('ceil_mode', 0) === 1
  const size = (side: 0 | 1): number => {
    const before = pads[side] + [image.height, image.width][side]!
    const windows = (isCeil ? Math.ceil : Math.floor)((before + pads[side + 2]! - kernel[side]) / stride) + 1
    // ONNX leaves out what would begin behind the image.
    return isCeil && (windows - 1) * stride >= before ? windows - 1 : windows
  }
  const output = [size(0), size(1)] as const
  if (output.every((value) => value >= 1)) return { kernel, stride, pads, output }
  throw operator.error(`a kernel that fits into its input of ${image.height} x ${image.width}`, `${kernel.join(' x ')} with pads [${pads.join(', ')}]`)
}

function padsOf(operator: Operator, image: ImageShape, kernel: readonly [number, number], stride: number): Window['pads'] {
  const auto = operator.text('auto_pad', 'NOTSET')
  if (auto === 'VALID') return [0, 0, 0, 0]
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const both = ([image.height, image.width] as const).map((side, index) => Math.max((Math.ceil(side / stride) - 1) * stride + kernel[index]! - side, 0))
    const less = both.map((pads) => Math.floor(pads / 2))
    const more = both.map((pads) => Math.ceil(pads / 2))
    const [begin, end] = auto === 'SAME_UPPER' ? [less, more] : [more, less]
    return [...begin, ...end] as unknown as Window['pads']
  }
  if (auto !== 'NOTSET') throw operator.error('auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER', auto.slice(0, 100))
  const given = operator.integers('pads') ?? [0, 0, 0, 0]
  // A window that lies outside the image as a whole has no values; this also keeps kernels small that are filled up with zeros.
  if (given.length === 4 && given.every((pad, index) => pad >= 0 && pad < kernel[index % 2]!)) return given as unknown as Window['pads']
  throw operator.error('four pads of at least 0, less than the kernel', given)
}

/** Weights of a kernel with zeros around it: `size` rows and columns, where the padding is the same on all sides. */
export function embedded({ shape, data }: Value, { kernel: [height, width], pads: [top, left] }: Window, padding: number, size: number): Value {
  if (height === size && width === size) return { shape, data }
  const [channels, inputs] = shape as [number, number]
  const result = new Float32Array(channels * inputs * size * size)
  for (let filter = 0; filter < channels * inputs; filter++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        result[(filter * size + row + padding - top) * size + column + padding - left] = data[(filter * height + row) * width + column]!
  return { shape: [channels, inputs, size, size], data: result }
}
