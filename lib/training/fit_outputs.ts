/** Whether the training images have as many classes as their network has outputs. Those of validation are the training's, by name. */
import { checkOutputs as check, outputsOf } from '../runtime/outputs.js'
import type { FitPlan } from './fit_options.js'

/** ERR_DATASET also where a session would do: an output without a class is one that training only pushes down. */
export function checkOutputs({ network, train }: FitPlan): void {
  check('fit: train', train, { name: network.name, outputs: outputsOf(network) }, { exactly: true })
}
