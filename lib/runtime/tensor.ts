/** A handle on one tensor of a session that keeps its values between steps. */
import type { NativeSession } from '../native/types.js'
import type { TensorSpec } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { elementsOf } from '../formats/tensor_types.js'
import { describe, largestFloat } from '../options/values.js'
import type { Turn } from './turn.js'

/** The values of a tensor are in row-major order [elements]. */
export type Values = Float32Array | Float64Array

/** @internal What stored values have to be divided by; asked at each read. */
export type Scale = (native: NativeSession) => Promise<number>

/** @internal What a handle is made of. */
interface Stored {
  readonly turn: Turn
  readonly spec: TensorSpec
  /** As in files: the parameter's name. */
  readonly name: string
  readonly scale: Scale | undefined
  /** Whether the tensor's memory is the host's, and has no other use. */
  readonly viewable: boolean
}

let open: (tensor: Tensor) => Stored

/** A handle on one tensor of a session that keeps its values between steps. */
export class Tensor {
  readonly #stored: Stored

  static {
    open = (tensor) => tensor.#stored
  }

  /** @internal */
  constructor(stored: Stored) {
    this.#stored = stored
  }

  /** The name is the parameter's, as in files. */
  get name(): string {
    return this.#stored.name
  }

  /** The shape is in PyTorch's order: [channels, in, kernel, kernel] for convolutions, [units, in] for linear layers, [channels] for norms and biases. */
  get shape(): readonly number[] {
    return this.#stored.spec.shape
  }

  /** The values are numbers of 32 bits, and of 64 in the reference executor. */
  get dtype(): 'f32' | 'f64' {
    return this.#stored.spec.dtype === 'f64' ? 'f64' : 'f32'
  }

  /** The number of values is at least 1. */
  get length(): number {
    return elementsOf(this.shape)
  }

  /** Whether `view()` is the session's own memory; where the runtime forbids that, and of gradients that share theirs, it is a copy, and on a GPU there is none. */
  get shared(): boolean {
    const { turn, spec, viewable } = this.#stored
    const native = turn.alive()
    return viewable && native.view(spec.name).shared
  }

  /**
   * Gives the values in row-major order [elements], shared with the session where `shared` says so: they change with every step, and are detached by dispose().
   * @throws ERR_UNSUPPORTED on a GPU.
   * @throws ERR_DISPOSED after the session's `dispose()`.
   */
  view(): Values {
    const { turn, spec } = this.#stored
    return turn.alive().view(spec.name).values
  }

  /**
   * Gives a copy of the values in row-major order [elements], after all steps that were asked for before.
   * @throws ERR_PARAMETER where it is a gradient that is no longer in memory.
   * @throws ERR_DISPOSED after the session's `dispose()`.
   * @throws ERR_ABORTED where `dispose()` came while it waited.
   */
  async read(): Promise<Values> {
    return this.#stored.turn.take((native) => readNow(native, this))
  }

  /**
   * Replaces the values.
   * @param values - The new values are in row-major order [elements].
   * @throws ERR_PARAMETER where the number of values is not the tensor's, or one of them is not finite as it is stored.
   * @throws ERR_DISPOSED after the session's `dispose()`.
   * @throws ERR_ABORTED where `dispose()` came while it waited.
   */
  async write(values: Values | readonly number[]): Promise<void> {
    const checked = checkValues(this, values)
    await this.#stored.turn.take((native) => writeNow(native, this, checked))
  }
}

/** @internal Within a turn of the session. */
export async function readNow(native: NativeSession, tensor: Tensor): Promise<Values> {
  const { spec, scale: scaleOf } = open(tensor)
  const stored = (await native.read(spec.name)) as Float64Array
  const scale = (await scaleOf?.(native)) ?? 1
  const values = scale === 1 ? stored : stored.map((value) => value / scale)
  return tensor.dtype === 'f64' ? values : Float32Array.from(values)
}

/** @internal Within a turn of the session; `values` are what `checkValues` gave. */
async function writeNow(native: NativeSession, tensor: Tensor, values: Values): Promise<void> {
  await native.write(open(tensor).spec.name, values)
}

/** @internal Writes values that nobody changes or transfers before the promise is settled, so that they need not be copied. */
export async function writeOwnNow(native: NativeSession, tensor: Tensor, values: Values): Promise<void> {
  if (values instanceof Float32Array) await native.writeFloats(open(tensor).spec.name, values)
  else await writeNow(native, tensor, values)
}

/** @internal ERR_PARAMETER for values that this tensor cannot take. */
export function checkValues({ name, length, shape, dtype }: Tensor, values: Values | readonly number[]): Values {
  const typed = Array.isArray(values) ? Float64Array.from(values) : values
  if (!(typed instanceof Float32Array || typed instanceof Float64Array)) {
    throw new PreresnetError('ERR_PARAMETER', `${name}: expected a Float32Array, a Float64Array or an array of numbers, got ${describe(values)}`)
  }
  if (typed.length !== length) {
    throw new PreresnetError('ERR_PARAMETER', `${name}: expected ${length} values for shape [${shape.join(', ')}], got ${typed.length}`)
  }
  const largest = dtype === 'f64' ? Number.MAX_VALUE : largestFloat
  // By index: the largest networks have many millions.
  for (let index = 0; index < typed.length; index++) {
    const value = typed[index]!
    if (Math.abs(value) <= largest) continue
    throw new PreresnetError('ERR_PARAMETER', `${name}: expected finite values${dtype === 'f64' ? '' : ' of 32 bits'}, got ${value}`)
  }
  return typed
}
