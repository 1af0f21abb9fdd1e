/** Layers one after another while they are read: names as arrays of layers have them, by kind and ordinal. */
import type { SampleShape } from '../../graph/graph.js'
import { linear, optionA, type Layer, type NamedLayer } from '../../layers/index.js'
import type { OnnxNode } from './messages.js'
import type { Value } from './operator.js'

/** Layers and the values of their parameters, by names that begin where the layers do. */
export interface Layers {
  readonly layers: readonly NamedLayer[]
  readonly values: ReadonlyMap<string, Value>
}

/** A value of the graph. */
export interface Place {
  /** Its name. */
  readonly value: string
  readonly shape: SampleShape
}

/** A row of layers, up to a node that joins it with another one. The value is what its last layer gives. */
export interface Row extends Layers, Place {
  /** Undefined where the row ends with the graph. */
  readonly join: OnnxNode | undefined
}

const shortNames: Partial<Record<Layer['kind'], string>> = {
  conv2d: 'conv',
  batchNorm: 'norm',
  linear: 'fc',
  residual: 'unit',
  maxPool: 'pool',
  averagePool: 'pool',
  globalAveragePool: 'pool',
}

export class RowBuilder {
  readonly layers: NamedLayer[] = []
  readonly values = new Map<string, Value>()
  readonly #ordinals = new Map<string, number>()
  /** What the last layer takes. */
  #taken: SampleShape | undefined

  /** Appends a layer that takes images or features of this shape. */
  add(layer: Layer, shape: SampleShape, values: Readonly<Record<string, Value>> = {}): void {
    const one = this.#oneWithLast(layer)
    if (one !== undefined) {
      this.#replaceLast(one)
      return
    }
    const type = shortNames[layer.kind] ?? layer.kind
    const ordinal = (this.#ordinals.get(type) ?? 0) + 1
    this.#ordinals.set(type, ordinal)
    const name = `${type}${ordinal}`
    this.layers.push([name, layer])
    this.#taken = shape
    for (const [key, value] of Object.entries(values)) this.values.set(`${name}.${key}`, value)
  }

  row({ value, shape }: Place, join: OnnxNode | undefined): Row {
    return { layers: this.layers, values: this.values, value, shape, join }
  }

  /** Gives the last layer, which has none, a bias. */
  addBias({ units }: { readonly units: number }, bias: Value): void {
    this.values.set(`${this.#replaceLast(linear({ units }))}.bias`, bias)
  }

  /** What the last layer and the next are together, where ONNX has two operators for one layer. */
  #oneWithLast(layer: Layer): Layer | undefined {
    const last = this.layers.at(-1)?.[1] as Layer | undefined
    // Slice, then Pad.
    if (last?.kind === 'optionA' && layer.kind === 'optionA' && layer.stride === 1) return optionA({ channels: layer.channels, stride: last.stride })
    // An average over all pixels, then what makes features of the one that is left.
    if (last?.kind === 'averagePool' && layer.kind === 'globalAveragePool' && coversAll(last, this.#taken)) return layer
    return undefined
  }

  #replaceLast(layer: Layer): string {
    const [name] = this.layers.pop()!
    this.layers.push([name, layer])
    return name
  }
}

const coversAll = ({ kernel, padding }: Layer & { kind: 'averagePool' }, shape: SampleShape | undefined): boolean =>
  shape?.kind === 'image' && padding === 0 && kernel === shape.height && kernel === shape.width
