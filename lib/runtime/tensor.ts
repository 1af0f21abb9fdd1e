/** A handle on one tensor of a session that keeps its values between steps. */
import type { NativeSession } from '../native/types.js'
import type { TensorSpec } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { describe, largestFloat } from '../options.js'

export type Values = Float32Array | Float64Array

/** What a handle needs of its session. */
export interface TensorHost {
  /** ERR_DISPOSED after dispose(). */
  alive(): NativeSession
  /** Runs `work` after everything that was asked of the session before. */
  inTurn<T>(work: (native: NativeSession) => Promise<T>): Promise<T>
  /** Whether the tensor's memory is the host's, and has no other use. */
  readonly viewable: boolean
}

/** What stored values have to be divided by; asked at each read. */
type Scale = (native: NativeSession) => Promise<number>

export class Tensor {
  readonly #host: TensorHost
  readonly #spec: TensorSpec
  readonly #scale: Scale | undefined
  /** As in files: the parameter's name. */
  readonly name: string

  /** @internal */
  constructor(host: TensorHost, spec: TensorSpec, name: string, scale?: Scale) {
    this.#host = host
    this.#spec = spec
    this.#scale = scale
    this.name = name
  }

  /** PyTorch's order: OIHW for convolutions. */
  get shape(): readonly number[] {
    return this.#spec.shape
  }

  get dtype(): 'f32' | 'f64' {
    return this.#spec.dtype === 'f64' ? 'f64' : 'f32'
  }

  get length(): number {
    return this.#spec.shape.reduce((product, size) => product * size, 1)
  }

  /** Whether `view()` is the session's own memory; where the runtime forbids that, and of gradients that share theirs, it is a copy, and on a GPU there is none. */
  get shared(): boolean {
    const native = this.#host.alive()
    return this.#host.viewable && native.view(this.#spec.name).shared
  }

  /** The values, shared with the session where `shared` says so: they change with every step, and are detached by dispose(). ERR_UNSUPPORTED on a GPU. */
  view(): Values {
    return this.#host.alive().view(this.#spec.name).values
  }

  /** A copy of the values, after all steps that were asked for before. */
  async read(): Promise<Values> {
    return this.#host.inTurn((native) => this.readNow(native))
  }

  /** ERR_PARAMETER if the number of values is not the tensor's, or one of them is not finite as it is stored. */
  async write(values: Values | readonly number[]): Promise<void> {
    const checked = this.checked(values)
    await this.#host.inTurn((native) => this.writeNow(native, checked))
  }

  /** @internal Within a turn of the session. */
  async readNow(native: NativeSession): Promise<Values> {
    const stored = (await native.read(this.#spec.name)) as Float64Array
    const scale = (await this.#scale?.(native)) ?? 1
    const values = scale === 1 ? stored : stored.map((value) => value / scale)
    return this.dtype === 'f64' ? values : Float32Array.from(values)
  }

  /** @internal Within a turn of the session; `values` are what `checked` gave. */
  async writeNow(native: NativeSession, values: Values): Promise<void> {
    await native.write(this.#spec.name, values)
  }

  /** @internal ERR_PARAMETER for values that this tensor cannot take. */
  checked(values: Values | readonly number[]): Values {
    const typed = Array.isArray(values) ? Float64Array.from(values) : values
    if (!(typed instanceof Float32Array || typed instanceof Float64Array)) {
      throw new PreresnetError('ERR_PARAMETER', `${this.name}: expected a Float32Array, a Float64Array or an array of numbers, got ${describe(values)}`)
    }
    if (typed.length !== this.length) {
      throw new PreresnetError('ERR_PARAMETER', `${this.name}: expected ${this.length} values for shape [${this.shape.join(', ')}], got ${typed.length}`)
    }
    const largest = this.dtype === 'f64' ? Number.MAX_VALUE : largestFloat
    for (const value of typed) {
      if (Math.abs(value) <= largest) continue
      throw new PreresnetError('ERR_PARAMETER', `${this.name}: expected finite values${this.dtype === 'f64' ? '' : ' of 32 bits'}, got ${value}`)
    }
    return typed
  }
}
