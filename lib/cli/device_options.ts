/** What a CUDA device is told, and what flags pass on: the same in every command that computes. */
import type { Given, Table } from '../options/spec.js'
import type { cudaTable } from '../runtime/cuda.js'
import { sharedOptions } from '../runtime/session_options.js'
import { flagsWithin, fromFlags } from './flags.js'
import { tuningProgress } from './progress.js'

/** For commands that train on a CUDA device; an error on another. */
export const cudaTrainingOptions = flagsWithin({ cuda: sharedOptions.cuda })

const { lossScale: _, ...inference } = cudaTrainingOptions
/** For commands that train nothing. */
export const cudaOptions: Table = inference

/** What flags say, as options of `compile`, `fit` or another that takes `cuda`; with `json` the tuner's progress is not shown. */
export function passedOn<S extends Table>(table: S, values: { readonly json: boolean }): Partial<Given<S>> {
  const given = fromFlags(table, values)
  const { cuda } = given as { cuda?: Given<typeof cudaTable> }
  return values.json ? given : { ...given, cuda: { ...cuda, onTuning: tuningProgress(process.stderr.isTTY) } }
}
