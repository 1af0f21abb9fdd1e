/** One node of an ONNX graph: its attributes and its constants. Errors say which node it is. */
import { malformed } from '../../formats/files.js'
import type { SampleShape } from '../../graph/graph.js'
import type { ImageShape } from '../../graph/shape.js'
import { quoted, visibleLine } from '../../visible.js'
import type { Constants } from './constants.js'
import type { OnnxNode } from './messages.js'

/** A parameter of a layer. */
export interface Value {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

export class Operator {
  readonly #path: string
  readonly #node: OnnxNode
  readonly #constants: Constants
  readonly #attributes: ReadonlyMap<string, OnnxNode['attributes'][number]>

  constructor(path: string, node: OnnxNode, constants: Constants) {
    this.#path = path
    this.#node = node
    this.#constants = constants
    this.#attributes = new Map(node.attributes.map((attribute) => [attribute.name ?? '', attribute]))
  }

  get kind(): string {
    return this.#node.operator ?? ''
  }

  get name(): string {
    const { operator = '', name, outputs } = this.#node
    return `${visibleLine(operator.slice(0, 40))} ${quoted(name || outputs[0] || '')}`
  }

  error(expected: string, got: unknown): Error {
    return malformed(this.#path, `${this.name}: expected ${expected}, got ${typeof got === 'string' ? got : JSON.stringify(got)}`)
  }

  integer(name: string, fallback: number): number {
    return this.#attributes.get(name)?.int ?? fallback
  }

  float(name: string, fallback: number): number {
    const value = this.#attributes.get(name)?.float
    return value === undefined ? fallback : shortest(value)
  }

  integers(name: string): readonly number[] | undefined {
    return this.#attributes.get(name)?.ints
  }

  text(name: string, fallback: string): string {
    const value = this.#attributes.get(name)?.string
    return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : fallback
  }

  /** An attribute that must be what it is where nobody gives it. */
  demand(name: string, expected: number): void {
    const got = this.integer(name, expected)
    if (got !== expected) throw this.error(`${name} ${expected} as far as ResNets use it`, got)
  }

  image(shape: SampleShape): ImageShape {
    if (shape.kind === 'image') return shape
    throw this.error('an image', `${shape.features} features`)
  }

  /** The name of an input that must be a constant. */
  constant(index: number): string {
    const name = this.#node.inputs[index] ?? ''
    if (this.#constants.has(name)) return name
    throw this.error(`a constant as input ${index + 1}`, name === '' ? 'none' : quoted(name))
  }

  isConstant(index: number): boolean {
    return this.#constants.has(this.#node.inputs[index])
  }

  hasInput(index: number): boolean {
    return (this.#node.inputs[index] ?? '') !== ''
  }

  shapeOf(index: number): readonly number[] {
    return this.#constants.shape(this.constant(index))
  }

  async floats(index: number, shape: readonly number[]): Promise<Value> {
    const got = this.shapeOf(index)
    if (got.join() !== shape.join()) throw this.error(`a constant of shape [${shape.join(', ')}] as input ${index + 1}`, `[${got.join(', ')}]`)
    return { shape, data: await this.#constants.floats(this.constant(index)) }
  }

  /** Values of [count], or of [1, count]. */
  async vector(index: number, count: number): Promise<Value> {
    const given = this.shapeOf(index)
    const { data } = await this.floats(index, given.length === 2 && given[0] === 1 ? [1, count] : [count])
    return { shape: [count], data }
  }

  /** One number, which acts on every value of a sample of this shape. */
  async scalar(index: number, shape: SampleShape): Promise<number> {
    const given = this.shapeOf(index)
    const rank = shape.kind === 'image' ? 4 : 2
    if (given.length > rank || given.some((size) => size !== 1)) throw this.error(`one number as input ${index + 1}`, `a shape of [${given.join(', ')}]`)
    return shortest((await this.#constants.floats(this.constant(index)))[0]!)
  }

  /** One number for each channel, or one for all; channels are the axis `fromEnd`, counted from the last as 1. */
  async perChannel(index: number, channels: number, fromEnd: number): Promise<Float32Array> {
    const given = this.shapeOf(index)
    const isRight = given.length <= 4 && given.every((size, axis) => size === 1 || (size === channels && given.length - axis === fromEnd))
    if (!isRight) throw this.error(`one number, or one for each of ${channels} channels, as input ${index + 1}`, `a shape of [${given.join(', ')}]`)
    const values = await this.#constants.floats(this.constant(index))
    return values.length === channels ? values : new Float32Array(channels).fill(values[0]!)
  }

  async integersOf(index: number): Promise<readonly number[]> {
    return this.#constants.integers(this.constant(index))
  }
}

/** The shortest decimal number that single precision stores as this one: 1e-5 is written as 0.00001. */
function shortest(value: number): number {
  const short = Number(value.toPrecision(7))
  return Math.fround(short) === value ? short : value
}
