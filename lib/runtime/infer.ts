/** Class probabilities, logits or features of one batch, with running statistics. */
import { PreresnetError } from '../errors.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { integer, knownKeys } from '../options/values.js'
import type { InferenceOutput } from '../native/types.js'
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

  /** All that is computed of the pixels of 1 to a whole batch of images, in one native call. Several may be under way. */
  async all(program: string, images: readonly Uint8Array[]): Promise<InferenceOutputs> {
    const { outputs } = this.#format(program)
    const asked: InferenceOutput[] = []
    const output = ({ name, width }: OutputFormat): Float32Array => {
      const target = new Float32Array(images.length * width)
      asked.push({ name, target })
      return target
    }
    const { features } = outputs
    const found = { probabilities: output(outputs.probabilities), logits: output(outputs.logits), ...(features && { features: output(features) }) }
    await this.#turn.send((native) => native.infer(program, images, asked))
    return found
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
