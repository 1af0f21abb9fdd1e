/** Runs of one image to a full batch, each by the program that does the least. */
import type { compileWith } from '../runtime/compile.js'
import type { InferenceOutputs } from '../runtime/infer.js'
import { inferAll } from '../runtime/internals.js'
import type { Session } from '../runtime/session.js'

const alone = 'infer@1'

export class Batches {
  readonly #session: Session

  /** Of a session that was compiled with `programs(batch)`. */
  constructor(session: Session) {
    this.#session = session
  }

  /**
   * Beside the one for a full batch. A CPU computes only what is wanted of a batch, and shares out one image as well as many; on a GPU a run costs as much as if
   * it were full, so that a lone image has a program of its own, over the same weights.
   */
  static programs(batch: number): Parameters<typeof compileWith>[2] {
    return (device) => (device === 'cuda' && batch > 1 ? [{ name: alone, kind: 'infer', batch: 1 }] : [])
  }

  /** Runs that may be under way: while a GPU computes one, the next one's pixels go there. */
  get concurrent(): number {
    return this.#session.device === 'cuda' ? 2 : 1
  }

  /** Of a short batch a CPU computes no more than its images; on a GPU nobody reads the answers to the rest. */
  async infer(images: readonly Uint8Array[]): Promise<InferenceOutputs[]> {
    const program = images.length === 1 && this.#session.programs.programs[alone] !== undefined ? alone : 'infer'
    const found = await inferAll(this.#session, program, images)
    return images.map((_, index) => rowOf(found, index, images.length))
  }
}

function rowOf(found: InferenceOutputs, index: number, count: number): InferenceOutputs {
  const row = (values: Float32Array): Float32Array => values.slice((index * values.length) / count, ((index + 1) * values.length) / count)
  const { probabilities, logits, features } = found
  return { probabilities: row(probabilities), logits: row(logits), ...(features && { features: row(features) }) }
}
