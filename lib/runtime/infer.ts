/** Class probabilities, logits or features of one batch, with running statistics. */
import { PreresnetError } from '../errors.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { integer, knownKeys } from '../options/values.js'
import { writeSamples, type UserSamples } from './batch.js'
import { inferOptions, type InferOptions } from './call_options.js'
import { inferenceFormat, type Compiled, type InferenceFormat, type OutputFormat } from './compiled.js'
import type { Turn } from './turn.js'

/** What a network computes of an image, or of several in their order. */
export interface InferenceOutputs {
  /** The probabilities [images, classes] are from 0 to 1. */
  readonly probabilities: Float32Array
  /** The logits [images, classes] are what the last layer gives before softmax. */
  readonly logits: Float32Array
  /** The features [images, features] are what the last layer reads; absent where that is no linear one. */
  readonly features?: Float32Array
}

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
    const { name, width } = format.outputs[output] ?? noFeatures(this.#compiled)
    return this.#turn.take(async (native) => {
      await writeSamples(native, format, samples)
      const run = { steps: 1, seed: this.#compiled.seed, firstStep: 0, learningRates: new Float64Array(0), images }
      const result = await this.#turn.run(program, signal, run)
      if (result.completed < 1) throw this.#turn.ended(signal)
      return native.readFloats(name, new Float32Array(images * width))
    })
  }

  /** Pixels of a whole batch to all that is computed of the first `images`. The calls are made at once: the native thread need not wait for ours between them. */
  async all(program: string, pixels: Uint8Array, images: number): Promise<InferenceOutputs> {
    const format = this.#format(program)
    const { probabilities, logits, features } = format.outputs
    return this.#turn.take(async (native) => {
      const read = ({ name, width }: OutputFormat): Promise<Float32Array> => native.readFloats(name, new Float32Array(images * width))
      const run = { steps: 1, seed: this.#compiled.seed, firstStep: 0, learningRates: new Float64Array(0), images }
      const [, result, found] = await Promise.all([
        writeSamples(native, format, { images: pixels }),
        this.#turn.run(program, undefined, run),
        Promise.all([read(probabilities), read(logits), features && read(features)]),
      ])
      if (result.completed < 1) throw this.#turn.ended(undefined)
      return { probabilities: found[0], logits: found[1], ...(found[2] && { features: found[2] }) }
    })
  }

  #format(program: string): InferenceFormat {
    let format = this.#formats.get(program)
    if (format === undefined) this.#formats.set(program, (format = inferenceFormat(this.#compiled, program)))
    return format
  }
}

function noFeatures({ network }: Compiled): never {
  throw new PreresnetError(
    'ERR_OPTION',
    `infer: output: expected "probabilities" or "logits", got "features": ${network.name} does not end with a linear layer`,
  )
}
