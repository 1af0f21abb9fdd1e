/** What other rooms do with a session beside its public methods. The package's entries do not export it. */
import type { WeightsChoice } from '../compiler/options.js'
import type { Loader } from '../data/loader.js'
import type { SafetensorsTensor } from '../formats/safetensors.js'
import type { NativeSession } from '../native/types.js'
import type { UserSamples } from './batch.js'
import { evaluateLoader } from './evaluate.js'
import type { InferOptions, LoadOptions } from './call_options.js'
import type { InferenceOutputs } from './infer.js'
import type { Evaluation } from './metrics.js'
import { insidesOf, type Session } from './session.js'

/** Runs `work` on the native session after everything that was asked for before; a failure stops nothing behind it. */
export function inTurn<T>(session: Session, work: (native: NativeSession) => Promise<T>): Promise<T> {
  return insidesOf(session).turn.take(work)
}

/** What rank 0 alone keeps up to date, and all that lasts from step to step. */
const statistics = ['buffers', 'averagedBuffers'] as const
const lasting = [...statistics, 'parameters', 'velocity', 'firstMoment', 'secondMoment', 'averages'] as const

/** Of several ranks: what the session of rank 0 holds, all of them get: the statistics, or everything. Every rank calls it. */
export function shareState(session: Session, what: 'statistics' | 'everything'): Promise<void> {
  const { turn, compiled } = insidesOf(session)
  const arenas = (what === 'statistics' ? statistics : lasting).filter((arena) => (compiled.programs.arenas[arena] ?? 0) > 0)
  return turn.take(async (native) => {
    if (compiled.ranks.size > 1) for (const arena of arenas) await native.share(arena)
  })
}

/** `session.infer` by another program of the set, with its own batch and size of images. */
export function inferBy(session: Session, program: string, samples: UserSamples, options: InferOptions = {}): Promise<Float32Array> {
  return insidesOf(session).inference.run(program, samples, options)
}

/** All that one of the set's programs for inference computes of the pixels of 1 to its batch of images; the device does calls that overlap as it can. */
export function inferAll(session: Session, program: string, images: readonly Uint8Array[]): Promise<InferenceOutputs> {
  return insidesOf(session).inference.all(program, images)
}

/** `session.evaluate` by another program of the set, on a loader of its batch and size of images. */
export function evaluateBy(session: Session, program: string, loader: Loader, signal?: AbortSignal): Promise<Evaluation> {
  const { turn, compiled } = insidesOf(session)
  return evaluateLoader(turn, compiled, loader, signal, program)
}

/** `session.load` of a session that was made without start values, and that is of no use where this fails. */
export function loadFirst(session: Session, path: string, options: LoadOptions): Promise<void> {
  return insidesOf(session).weights.loadFirst(path, options)
}

/** Copies of parameters and running statistics, or of their moving averages, in fp32, all of the same step. */
export function modelTensors(session: Session, weights?: WeightsChoice): Promise<Map<string, SafetensorsTensor>> {
  return insidesOf(session).weights.read(weights)
}
