/** Class probabilities of one batch, with running statistics. */
import { abortSignal } from '../abort.js'
import { integer, knownKeys } from '../options.js'
import { writeSamples, type UserSamples } from './batch.js'
import { batchFormat, classesOf, type Compiled } from './compiled.js'
import type { Turn } from './turn.js'

export interface InferOptions {
  readonly signal?: AbortSignal
  /** Only the first images of the batch; a CPU computes no others. @default all */
  readonly count?: number
}

/** @internal */
export async function infer(turn: Turn, compiled: Compiled, samples: UserSamples, options: InferOptions): Promise<Float64Array> {
  knownKeys('batch', samples, ['images', 'x'])
  knownKeys('infer', options, ['signal', 'count'])
  const signal = abortSignal('infer: signal', options.signal)
  const { batch } = compiled.plan
  const images = integer('infer: count', options.count ?? batch, 1, batch)
  return turn.take(async (native) => {
    await writeSamples(native, batchFormat(compiled, false), samples)
    const run = { steps: 1, seed: compiled.seed, firstStep: 0, learningRates: new Float64Array(0), images }
    const result = await turn.run('infer', signal, run)
    if (result.completed < 1) throw turn.ended(signal)
    return ((await native.read('probabilities')) as Float64Array).slice(0, images * classesOf(compiled))
  })
}
