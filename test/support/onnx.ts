/** Runs the operators of the ONNX files that we write, in double, by ONNX's own words: nothing of the library's arithmetic is used. */
import { attributeTypes, dataTypes, type OnnxGraph, type OnnxNode, type OnnxTensor } from '../../lib/exchange/onnx/messages.js'

export interface Value {
  readonly dims: readonly number[]
  readonly data: Float64Array
}

type Attributes = Readonly<Record<string, number | readonly number[]>>
type Operator = (inputs: readonly Value[], attributes: Attributes) => Value

const count = (dims: readonly number[]): number => dims.reduce((product, size) => product * size, 1)

/** Each output by its name. */
export function runOnnx(graph: OnnxGraph, inputs: Readonly<Record<string, Value>>): Map<string, Value> {
  const values = new Map<string, Value>(Object.entries(inputs))
  for (const tensor of graph.initializers) values.set(tensor.name!, constant(tensor))
  for (const node of graph.nodes) {
    const operator = operators[node.operator!]
    if (operator === undefined) throw new Error(`operator ${node.operator}`)
    values.set(
      node.outputs[0]!,
      operator(
        node.inputs.map((name) => values.get(name) ?? missing(name)),
        attributesOf(node),
      ),
    )
  }
  return new Map(graph.outputs.map(({ name }) => [name!, values.get(name!) ?? missing(name!)]))
}

function missing(name: string): never {
  throw new Error(`nothing before makes ${name}`)
}

export function constant({ dims, dataType, rawData }: OnnxTensor): Value {
  const bytes = rawData as Uint8Array<ArrayBuffer>
  const data = dataType === dataTypes.float ? Float64Array.from(new Float32Array(bytes.buffer)) : Float64Array.from(new BigInt64Array(bytes.buffer), Number)
  if (data.length !== count(dims)) throw new Error(`expected ${count(dims)} values, got ${data.length}`)
  return { dims, data }
}

function attributesOf({ attributes }: OnnxNode): Attributes {
  return Object.fromEntries(
    attributes.map(({ name, type, int, float, ints }): [string, number | readonly number[]] => {
      if (type === attributeTypes.int) return [name!, int!]
      return [name!, type === attributeTypes.float ? float! : ints]
    }),
  )
}

/** The value at a place of a tensor of four dimensions; `outside` where it has no such place. */
function at({ dims, data }: Value, [n, c, y, x]: readonly [number, number, number, number], outside: number): number {
  if (y < 0 || x < 0 || y >= dims[2]! || x >= dims[3]!) return outside
  return data[((n * dims[1]! + c) * dims[2]! + y) * dims[3]! + x]!
}

function made(dims: readonly number[], value: (place: readonly number[]) => number): Value {
  const data = new Float64Array(count(dims))
  const place = dims.map(() => 0)
  for (let index = 0; index < data.length; index++) {
    data[index] = value(place)
    for (let axis = dims.length - 1; axis >= 0 && ++place[axis]! === dims[axis]; axis--) place[axis] = 0
  }
  return { dims, data }
}

/** Windows of an image: `take` gets the place of the result and those of its window. */
function windows(
  { dims }: Value,
  channels: number,
  attributes: Attributes,
  take: (place: readonly number[], window: readonly (readonly [y: number, x: number])[]) => number,
): Value {
  const [kernel, strides, pads] = ['kernel_shape', 'strides', 'pads'].map((key) => attributes[key] as readonly number[])
  const size = (axis: 0 | 1): number => Math.floor((dims[2 + axis]! + pads![axis]! + pads![2 + axis]! - kernel![axis]!) / strides![axis]!) + 1
  return made([dims[0]!, channels, size(0), size(1)], (place) => {
    const [top, left] = [place[2]! * strides![0]! - pads![0]!, place[3]! * strides![1]! - pads![1]!]
    return take(
      place,
      Array.from({ length: kernel![0]! * kernel![1]! }, (_, index) => [top + Math.floor(index / kernel![1]!), left + (index % kernel![1]!)]),
    )
  })
}

/** Dimensions of 1, and those that are missing in front, are repeated. */
function elementwise(operation: (a: number, b: number) => number): Operator {
  return ([a, b]) => {
    const dims = a!.dims.length >= b!.dims.length ? a!.dims : b!.dims
    const read = ({ dims: own, data }: Value, place: readonly number[]): number =>
      data[own.reduce((index, size, axis) => index * size + (size === 1 ? 0 : place[dims.length - own.length + axis]!), 0)]!
    return made(dims, (place) => operation(read(a!, place), read(b!, place)))
  }
}

const operators: Readonly<Record<string, Operator>> = {
  Conv([x, weight, bias], attributes) {
    const [channels, inputs, , columns] = weight!.dims as [number, number, number, number]
    const [, , height, width] = x!.dims as [number, number, number, number]
    return windows(x!, channels, attributes, ([n, channel], window) => {
      const places = window.flatMap(([y, left], index) => (y < 0 || left < 0 || y >= height || left >= width ? [] : [[y * width + left, index] as const]))
      let sum = bias?.data[channel!] ?? 0
      for (const [place, index] of places)
        for (let c = 0; c < inputs; c++)
          sum += x!.data[(n! * inputs + c) * height * width + place]! * weight!.data[(channel! * inputs + c) * columns * columns + index]!
      return sum
    })
  },
  BatchNormalization([x, scale, offset, mean, variance], { epsilon }) {
    return made(x!.dims, ([n, c, y, left]) => {
      const value = at(x!, [n!, c!, y!, left!], NaN) - mean!.data[c!]!
      return (value / Math.sqrt(variance!.data[c!]! + (epsilon as number))) * scale!.data[c!]! + offset!.data[c!]!
    })
  },
  Relu: ([x]) => ({ dims: x!.dims, data: x!.data.map((value) => Math.max(value, 0)) }),
  Sigmoid: ([x]) => ({ dims: x!.dims, data: x!.data.map((value) => 1 / (1 + Math.exp(-value))) }),
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  MaxPool([x], attributes) {
    return windows(x!, x!.dims[1]!, attributes, ([n, c], window) => Math.max(...window.map(([y, left]) => at(x!, [n!, c!, y, left], -Infinity))))
  },
  AveragePool([x], attributes) {
    if (attributes['count_include_pad'] !== 1) throw new Error('places outside the image count')
    return windows(x!, x!.dims[1]!, attributes, ([n, c], window) => window.reduce((sum, [y, left]) => sum + at(x!, [n!, c!, y, left], 0), 0) / window.length)
  },
  GlobalAveragePool([x]) {
    const each = x!.dims[2]! * x!.dims[3]!
    return made([x!.dims[0]!, x!.dims[1]!, 1, 1], ([n, c]) => {
      const begin = (n! * x!.dims[1]! + c!) * each
      return x!.data.subarray(begin, begin + each).reduce((sum, value) => sum + value, 0) / each
    })
  },
  Flatten([x], { axis }) {
    const dims = [count(x!.dims.slice(0, axis as number)), count(x!.dims.slice(axis as number))]
    return { dims, data: x!.data }
  },
  Gemm([x, weight, bias], { transB }) {
    if (transB !== 1) throw new Error('weights are [units, features]')
    const features = weight!.dims[1]!
    return made([x!.dims[0]!, weight!.dims[0]!], ([n, unit]) => {
      let sum = bias?.data[unit!] ?? 0
      for (let feature = 0; feature < features; feature++) sum += x!.data[n! * features + feature]! * weight!.data[unit! * features + feature]!
      return sum
    })
  },
  Softmax([x], { axis }) {
    if (axis !== 1) throw new Error('classes are the second dimension')
    const classes = x!.dims[1]!
    const sums = Array.from({ length: x!.dims[0]! }, (_, n) =>
      x!.data.subarray(n * classes, (n + 1) * classes).reduce((sum, value) => sum + Math.exp(value), 0),
    )
    return { dims: x!.dims, data: x!.data.map((value, index) => Math.exp(value) / sums[Math.floor(index / classes)]!) }
  },
  Slice([x, starts, ends, axes, steps]) {
    const part = x!.dims.map((size) => ({ start: 0, end: size, step: 1 }))
    axes!.data.forEach((axis, index) => (part[axis] = { start: starts!.data[index]!, end: ends!.data[index]!, step: steps!.data[index]! }))
    return made(
      part.map(({ start, end, step }) => Math.ceil((end - start) / step)),
      (place) => at(x!, place.map((index, axis) => part[axis]!.start + index * part[axis]!.step) as [number, number, number, number], NaN),
    )
  },
  Pad([x, pads]) {
    const before = [...pads!.data.subarray(0, 4)]
    const dims = x!.dims.map((size, axis) => size + before[axis]! + pads!.data[4 + axis]!)
    return made(dims, (place) => {
      const from = place.map((index, axis) => index - before[axis]!)
      return from.every((index, axis) => index >= 0 && index < x!.dims[axis]!) ? at(x!, from as [number, number, number, number], NaN) : 0
    })
  },
  Transpose([x], { perm }) {
    const order = perm as readonly number[]
    return made(
      order.map((axis) => x!.dims[axis]!),
      (place) => {
        const from = order.map(() => 0)
        order.forEach((axis, index) => (from[axis] = place[index]!))
        return at(x!, from as [number, number, number, number], NaN)
      },
    )
  },
  Cast: ([x]) => x!,
}
