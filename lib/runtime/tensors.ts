/** The tensors of a session that keep their values between steps, by the names that users know. */
import type { OptimizerState } from '../compiler/options.js'
import type { TensorSpec } from '../compiler/program.js'
import { averageOf } from '../compiler/parameters.js'
import { optimizerStates } from '../compiler/update.js'
import type { NativeSession } from '../native/types.js'
import { oneOf } from '../options/values.js'
import type { Compiled } from './compiled.js'
import { hasLossScale, lossScaleIsDynamic, lossScaleTensor, readLossScale, scaleOfLastStep } from './loss_scale.js'
import { noSuchParameter } from './patterns.js'
import { Tensor, type Scale } from './tensor.js'
import type { Turn } from './turn.js'

export class Tensors {
  /** All of the network's parameters. */
  readonly parameters: readonly string[]
  /** Running statistics. */
  readonly buffers: readonly string[]
  /** Parameters that the optimizer updates. */
  readonly trained: readonly string[]
  readonly #turn: Turn
  readonly #compiled: Compiled
  readonly #specs: ReadonlyMap<string, TensorSpec>

  constructor(turn: Turn, compiled: Compiled) {
    this.#turn = turn
    this.#compiled = compiled
    this.#specs = new Map(compiled.programs.tensors.map((tensor) => [tensor.name, tensor]))
    this.parameters = compiled.graph.parameters.map(({ name }) => name)
    this.buffers = compiled.graph.buffers.map(({ name }) => name)
    this.trained = Object.keys(compiled.plan.update?.settings ?? {})
  }

  parameter(name: string): Tensor {
    return this.#tensor(name, name, [...this.parameters, ...this.buffers])
  }

  get hasAverages(): boolean {
    return this.#compiled.plan.ema !== undefined
  }

  /** The moving average of a parameter or running statistic. */
  average(name: string): Tensor {
    return this.#tensor(name, averageOf(name), this.hasAverages ? [...this.parameters, ...this.buffers] : [])
  }

  /** What the optimizer keeps of each trained parameter. */
  get optimizerStates(): readonly OptimizerState[] {
    return this.trained.length === 0 ? [] : optimizerStates(this.#compiled.plan.update)
  }

  optimizerState(name: string, state: OptimizerState = optimizerStates(this.#compiled.plan.update)[0]!): Tensor {
    const states = this.optimizerStates
    if (states.length > 0) oneOf('optimizerState: state', state, states)
    return this.#tensor(name, `${state}/${name}`, this.trained)
  }

  gradient(name: string): Tensor {
    const { programs } = this.#compiled
    const scale = async (native: NativeSession): Promise<number> => scaleOfLastStep(await readLossScale(native), lossScaleIsDynamic(programs))
    return this.#tensor(name, `gradient/${name}`, this.trained, hasLossScale(programs) ? scale : undefined)
  }

  lossScale(): Tensor | undefined {
    return hasLossScale(this.#compiled.programs) ? this.#tensor(lossScaleTensor, lossScaleTensor, [lossScaleTensor]) : undefined
  }

  #tensor(name: string, stored: string, names: readonly string[], scale?: Scale): Tensor {
    this.#turn.alive()
    const { programs, graph } = this.#compiled
    const spec = names.includes(name) ? this.#specs.get(stored) : undefined
    if (spec === undefined) throw noSuchParameter(graph.name, name, names)
    const within = spec.arena === 'gradients' && programs.gradientsAt !== undefined
    return new Tensor({ turn: this.#turn, spec, name, scale, viewable: programs.device !== 'cuda' && !within })
  }
}
