/** Which kernels of a GPU a program is compiled for: the tuner's, those that were chosen before, or those of rules. */
import { compilePrograms } from '../compiler/compile.js'
import type { Site } from '../compiler/lower/engines.js'
import type { ProgramOptions } from '../compiler/options.js'
import type { Graph } from '../graph/graph.js'
import type { CudaDevice } from './cuda.js'
import { warn } from './remembered.js'
import { tune } from './tuner.js'

/** The tuner's choices, or those that were handed over; nothing where the rules shall decide. */
export async function chosenKernels(
  graph: Graph,
  plan: ProgramOptions,
  { tune: wanted, onTuning, architecture, session }: CudaDevice,
  signal?: AbortSignal,
): Promise<Pick<ProgramOptions, 'choices'>> {
  if (wanted === false) return {}
  if (wanted !== true) return { choices: wanted }
  const sites = new Map<string, Site>()
  await compilePrograms(graph, plan, sites, signal)
  const device = { precision: plan.precision, architecture, session }
  const { choices, notes } = await tune(sites, device, { ...(onTuning && { progress: onTuning }), ...(signal && { signal }) })
  warn(notes)
  return { choices }
}
