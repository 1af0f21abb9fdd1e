/** Operators of ONNX as layers: each that a ResNet has becomes one, or is refused by its name and by what it wants. */
import type { SampleShape } from '../../graph/graph.js'
import { pooled, sameShape, subsampled, type ImageShape } from '../../graph/shape.js'
import { averagePool, batchNorm, conv2d, globalAveragePool, linear, maxPool, optionA, relu, scale, type Layer } from '../../layers/index.js'
import type { Operator, Value } from './operator.js'
import { embedded, windowOf, type Window } from './window.js'

/** What a node becomes: no layer where it changes no value, as in inference. */
interface Converted {
  readonly layer?: Layer
  /** By the layer's own names: weight, bias and so on. */
  readonly values?: Readonly<Record<string, Value>>
  readonly shape: SampleShape
}

type Convert = (operator: Operator, shape: SampleShape) => Promise<Converted> | Converted

const converters: Readonly<Record<string, Convert>> = {
  Conv: convolution,
  BatchNormalization: norm,
  Relu: (_, shape) => ({ layer: relu(), shape }),
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: (operator, shape) => average(operator.image(shape)),
  ReduceMean: mean,
  Flatten: (operator, shape) => {
    operator.demand('axis', 1)
    return flat(operator, shape)
  },
  Reshape: reshape,
  Squeeze: (operator, shape) => flat(operator, shape),
  Transpose: transpose,
  Gemm: fullyConnected,
  MatMul: fullyConnected,
  Mul: factor,
  Sub: opposite,
  Slice: everySecond,
  Pad: moreChannels,
  Identity: (_, shape) => ({ shape }),
  Dropout: (_, shape) => ({ shape }),
}

/** structure.ts looks at `Add` and `Softmax`. */
const operatorNames = [...Object.keys(converters), 'Add', 'Softmax']
/** What is read elsewhere, by gate.ts and pixels.ts, and is no layer of its own. */
const elsewhere: Readonly<Record<string, string>> = {
  Sigmoid: 'it behind a 1x1 convolution, as the gate of a residual unit',
  Cast: 'it at the input alone, where pixels become numbers',
}

export async function convert(operator: Operator, shape: SampleShape): Promise<Converted> {
  const { kind } = operator
  const found = Object.hasOwn(converters, kind) ? converters[kind] : undefined
  if (Object.hasOwn(elsewhere, kind)) throw operator.error(elsewhere[kind]!, 'another place')
  if (found === undefined) throw operator.error(`one of ${operatorNames.join(', ')}`, 'an operator that is not known')
  return found(operator, shape)
}

async function convolution(operator: Operator, shape: SampleShape): Promise<Converted> {
  operator.demand('group', 1)
  const given = operator.shapeOf(1)
  if (shape.kind === 'features') return pointwise(operator, shape.features, given)
  const image = operator.image(shape)
  const [channels = 0, inputs, height = 0, width = 0] = given
  if (given.length !== 4 || inputs !== image.channels)
    throw operator.error(`weights of shape [channels, ${image.channels}, rows, columns]`, `[${given.join(', ')}]`)
  const window = windowOf(operator, image, [height, width])
  const { kernel, stride, padding } = symmetric(operator, window)
  const bias = operator.hasInput(2)
  const layer = conv2d({ channels, kernel, stride, padding, bias })
  const weight = embedded(await operator.floats(1, given), window, padding, kernel)
  return {
    layer,
    values: { weight, ...(bias && { bias: await operator.floats(2, [channels]) }) },
    shape: { kind: 'image', channels, height: window.output[0], width: window.output[1] },
  }
}

/** A 1x1 convolution behind an average over all pixels: timm's classifiers are some. */
async function pointwise(operator: Operator, features: number, given: readonly number[]): Promise<Converted> {
  const units = given[0] ?? 0
  const { data } = await operator.floats(1, [units, features, 1, 1])
  if ((operator.integers('pads') ?? []).some((pad) => pad !== 0)) throw operator.error('no pads around one pixel', operator.integers('pads'))
  const bias = operator.hasInput(2)
  return {
    layer: linear({ units, bias }),
    values: { weight: { shape: [units, features], data }, ...(bias && { bias: await operator.floats(2, [units]) }) },
    shape: { kind: 'features', features: units },
  }
}

/** With as many zeros around the kernel as make the padding the same on all sides. */
function symmetric(
  operator: Operator,
  { kernel: [height, width], pads: [top, left, bottom, right], stride }: Window,
): { kernel: number; stride: number; padding: number } {
  const padding = Math.max(top, left, bottom, right)
  const [rows, columns] = [height + 2 * padding - top - bottom, width + 2 * padding - left - right]
  if (rows !== columns)
    throw operator.error('a square kernel with pads that keep it square', `${height} x ${width} with pads [${[top, left, bottom, right].join(', ')}]`)
  return { kernel: rows, stride, padding }
}

async function norm(operator: Operator, shape: SampleShape): Promise<Converted> {
  const { channels } = operator.image(shape)
  operator.demand('training_mode', 0)
  operator.demand('spatial', 1)
  const values: Record<string, Value> = {}
  for (const [index, name] of ['weight', 'bias', 'running_mean', 'running_var'].entries()) values[name] = await operator.floats(index + 1, [channels])
  // ONNX counts the share of the old value.
  const momentum = Number((1 - operator.float('momentum', 0.9)).toPrecision(12))
  return { layer: batchNorm({ epsilon: operator.float('epsilon', 1e-5), momentum }), values, shape }
}

function pool(operator: Operator, shape: SampleShape): Converted {
  const image = operator.image(shape)
  const isMean = operator.kind === 'AveragePool'
  const [height = 0, width = 0, ...more] = operator.integers('kernel_shape') ?? []
  if (!(height >= 1 && width >= 1) || more.length > 0) throw operator.error('a kernel_shape of two sizes', operator.integers('kernel_shape') ?? 'none')
  const { pads, stride, output } = windowOf(operator, image, [height, width])
  const [top, left] = pads
  const isWhole = isMean && height === image.height && width === image.width && pads.every((pad) => pad === 0)
  // Behind a square one there may be other layers of images; row.ts knows where there are none.
  if (isWhole && height !== width) return average(image)
  if (height !== width || top !== left)
    throw operator.error('a square window with the same pads above and to the left', `${height} x ${width} with pads [${pads.join(', ')}]`)
  if (isMean && pads.some((pad) => pad > 0)) operator.demand('count_include_pad', 1)
  const options = { kernel: height, stride, padding: top }
  const made = { ...image, height: output[0], width: output[1] }
  const layers = isMean ? [averagePool(options)] : [maxPool(options), maxPool({ ...options, ceil: true })]
  const layer = layers.find((each) => sameShape(pooled(operator.name, each, image), made))
  if (layer !== undefined) return { layer, shape: made }
  throw operator.error('pads of which those at the end add at most one window', `[${pads.join(', ')}]`)
}

/** Axes of images; ONNX counts negative ones from behind the last. */
const fromFirst = (axes: readonly number[]): number[] => axes.map((axis) => (axis < 0 ? axis + 4 : axis))

/** The factor of constant scaling, on a branch or a shortcut. */
async function factor(operator: Operator, shape: SampleShape): Promise<Converted> {
  return { layer: scale({ factor: await operator.scalar(operator.isConstant(0) ? 0 : 1, shape) }), shape }
}

/** 0 - x; 1 - x is part of a gate. */
async function opposite(operator: Operator, shape: SampleShape): Promise<Converted> {
  const from = await operator.scalar(0, shape)
  if (from === 0) return { layer: scale({ factor: -1 }), shape }
  throw operator.error('0 that values are taken from, or 1 in the gate of a residual unit', from)
}

/** Option A's rows and columns. */
async function everySecond(operator: Operator, shape: SampleShape): Promise<Converted> {
  const image = operator.image(shape)
  const [starts, ends, axes, steps] = [await operator.integersOf(1), await operator.integersOf(2), await operator.integersOf(3), await operator.integersOf(4)]
  const stride = steps[0] ?? 0
  const isWhole = starts.join() === '0,0' && fromFirst(axes).join() === '2,3' && ends.length === 2 && ends[0]! >= image.height && ends[1]! >= image.width
  if (!isWhole || stride < 1 || steps.join() !== [stride, stride].join())
    throw operator.error(
      `every n-th of all rows and columns`,
      `starts [${starts.join(', ')}], ends [${ends.join(', ')}], axes [${axes.join(', ')}], steps [${steps.join(', ')}]`,
    )
  const layer = optionA({ channels: image.channels, stride })
  return { layer, shape: subsampled(operator.name, layer, image) }
}

/** Option A's channels of zeros. */
async function moreChannels(operator: Operator, shape: SampleShape): Promise<Converted> {
  const image = operator.image(shape)
  const pads = await operator.integersOf(1)
  const more = pads[5] ?? 0
  const isAtEnd = pads.length === 8 && pads.every((pad, index) => index === 5 || pad === 0) && more >= 0
  if (!isAtEnd || operator.hasInput(3)) throw operator.error('channels that are added behind the others: pads [0, 0, 0, 0, 0, n, 0, 0]', pads)
  const value = operator.hasInput(2) ? await operator.scalar(2, shape) : 0
  if (value !== 0 || operator.text('mode', 'constant') !== 'constant')
    throw operator.error('zeros', value === 0 ? operator.text('mode', '').slice(0, 100) : value)
  const layer = optionA({ channels: image.channels + more })
  return { layer, shape: subsampled(operator.name, layer, image) }
}

function average({ channels }: ImageShape): Converted {
  return { layer: globalAveragePool(), shape: { kind: 'features', features: channels } }
}

/** Over rows and columns, as PyTorch exports an average of them. */
async function mean(operator: Operator, shape: SampleShape): Promise<Converted> {
  const axes = operator.hasInput(1) ? await operator.integersOf(1) : (operator.integers('axes') ?? [])
  const sorted = fromFirst(axes).sort((a, b) => a - b)
  if (sorted.join() !== '2,3') throw operator.error('axes 2 and 3', axes)
  return average(operator.image(shape))
}

/** An image of one pixel as features. */
function flat(operator: Operator, shape: SampleShape): Converted {
  if (shape.kind === 'features') return { shape }
  if (shape.height === 1 && shape.width === 1) return average(shape)
  throw operator.error('an image of one pixel, or an average over all, before it', `${shape.height} x ${shape.width}`)
}

async function reshape(operator: Operator, shape: SampleShape): Promise<Converted> {
  const sizes = await operator.integersOf(1)
  const features = shape.kind === 'features' ? shape.features : shape.channels
  const [images, ...others] = sizes
  // Converters write [images, 1, 1, features] too: there is one value of each feature, in whatever place.
  const [size = 1, ...more] = others.filter((each) => each !== 1)
  // -1, which may stand once, is what the others leave.
  const isRest = size === -1 && images !== -1
  if (others.length > 0 && more.length === 0 && (size === features || isRest)) return flat(operator, shape)
  throw operator.error(`a shape of [images, ${features}]`, sizes)
}

/** Between layers only where there is nothing to move. At the input import.ts sees it. */
function transpose(operator: Operator, shape: SampleShape): Converted {
  if (shape.kind === 'features' || (shape.height === 1 && shape.width === 1 && operator.integers('perm')?.[0] === 0)) return { shape }
  throw operator.error('images by channel, row and column behind the input', `perm ${JSON.stringify(operator.integers('perm') ?? null)}`)
}

async function fullyConnected(operator: Operator, shape: SampleShape): Promise<Converted> {
  if (shape.kind !== 'features') throw operator.error('features (GlobalAveragePool and Flatten make them)', `an image of ${shape.height} x ${shape.width}`)
  const isGemm = operator.kind === 'Gemm'
  if (isGemm) operator.demand('transA', 0)
  const isTransposed = isGemm && operator.integer('transB', 0) === 1
  const given = operator.shapeOf(1)
  const units = given[isTransposed ? 0 : 1] ?? 0
  const { features } = shape
  const weight = await operator.floats(1, isTransposed ? [units, features] : [features, units])
  const bias = isGemm && operator.hasInput(2)
  const scaled = (values: Float32Array, factor: number): Float32Array => (factor === 1 ? values : values.map((value) => value * factor))
  const data = scaled(isTransposed ? weight.data : transposed(weight.data, features, units), isGemm ? operator.float('alpha', 1) : 1)
  return {
    layer: linear({ units, bias }),
    values: {
      weight: { shape: [units, features], data },
      ...(bias && { bias: { shape: [units], data: scaled((await operator.vector(2, units)).data, operator.float('beta', 1)) } }),
    },
    shape: { kind: 'features', features: units },
  }
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) result[column * rows + row] = values[row * columns + column]!
  return result
}
