/** Class probabilities or logits of one batch, with running statistics. */
import { checkOptions, withDefaults } from '../options/check.js'
import { integer, knownKeys } from '../options/values.js'
import { writeSamples, type UserSamples } from './batch.js'
import { inferOptions, type InferOptions } from './call_options.js'
import { inferenceFormat, type Compiled, type InferenceFormat } from './compiled.js'
import type { Turn } from './turn.js'

/** @internal Inference by one of the set's programs. */
export class Inference {
  readonly #turn: Turn
  readonly #compiled: Compiled
  readonly #formats = new Map<string, InferenceFormat>()

  constructor(turn: Turn, compiled: Compiled) {
    this.#turn = turn
    this.#compiled = compiled
  }

  async run(program: string, samples: UserSamples, options: InferOptions): Promise<Float32Array> {
    knownKeys('batch', samples, ['images', 'x'])
    const { signal, count, output } = withDefaults(inferOptions, checkOptions('infer', inferOptions, options))
    const format = this.#format(program)
    const images = integer('infer: count', count ?? format.batch, 1, format.batch)
    return this.#turn.take(async (native) => {
      await writeSamples(native, format, samples)
      const run = { steps: 1, seed: this.#compiled.seed, firstStep: 0, learningRates: new Float64Array(0), images }
      const result = await this.#turn.run(program, signal, run)
      if (result.completed < 1) throw this.#turn.ended(signal)
      return native.readFloats(format.outputs[output], new Float32Array(images * format.classes))
    })
  }

  #format(program: string): InferenceFormat {
    let format = this.#formats.get(program)
    if (format === undefined) this.#formats.set(program, (format = inferenceFormat(this.#compiled, program)))
    return format
  }
}
