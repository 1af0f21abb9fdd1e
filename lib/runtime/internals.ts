/** What other rooms do with a session beside its public methods. The package's entries do not export it. */
import { setImmediate } from 'node:timers/promises'
import type { Loader } from '../data/loader.js'
import type { NativeSession } from '../native/types.js'
import type { UserSamples } from './batch.js'
import { evaluateLoader } from './evaluate.js'
import type { InferOptions } from './call_options.js'
import type { Evaluation } from './metrics.js'
import { insidesOf, type Session } from './session.js'
import { checkValues, readNow, writeNow, type Tensor, type Values } from './tensor.js'

/** Runs `work` on the native session after everything that was asked for before; a failure stops nothing behind it. */
export function inTurn<T>(session: Session, work: (native: NativeSession) => Promise<T>): Promise<T> {
  return insidesOf(session).turn.take(work)
}

/** `session.infer` by another program of the set, with its own batch and size of images. */
export function inferBy(session: Session, program: string, samples: UserSamples, options: InferOptions = {}): Promise<Float32Array> {
  return insidesOf(session).inference.run(program, samples, options)
}

/** `session.evaluate` by another program of the set, on a loader of its batch and size of images. */
export function evaluateBy(session: Session, program: string, loader: Loader, signal?: AbortSignal): Promise<Evaluation> {
  const { turn, compiled } = insidesOf(session)
  return evaluateLoader(turn, compiled, loader, signal, program)
}

/** All of them as they are between the same two calls: nothing gets in between. */
export function readTogether(session: Session, tensors: readonly Tensor[]): Promise<Values[]> {
  return inTurn(session, async (native) => {
    const values: Values[] = []
    for (const tensor of tensors) values.push(await readNow(native, tensor))
    return values
  })
}

/** All of them between the same two calls, or none if one does not take its values. */
export async function writeTogether(session: Session, values: ReadonlyMap<Tensor, Values>): Promise<void> {
  for (const [tensor, given] of values) {
    checkValues(tensor, given)
    await setImmediate()
  }
  await inTurn(session, async (native) => {
    for (const [tensor, given] of values) await writeNow(native, tensor, given)
  })
}
