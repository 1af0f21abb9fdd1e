/** Whether the training images have as many classes as their network has outputs. Those of validation are the training's, by name. */
import { PreresnetError } from '../errors.js'
import { outputsOf } from '../runtime/outputs.js'
import type { FitPlan } from './fit_options.js'

/** ERR_DATASET, with both figures. A network that ends in no classifier is refused when it is compiled. */
export function checkOutputs({ network, train: { name, classes } }: FitPlan): void {
  const outputs = outputsOf(network)
  if (outputs === undefined || classes.length === outputs) return
  throw new PreresnetError(
    'ERR_DATASET',
    `fit: train: expected ${outputs} classes, as network ${JSON.stringify(network.name)} has outputs, got the ${classes.length} of dataset ${name} ` +
      `(${shown(classes)}); make the network for ${classes.length} classes`,
  )
}

const shown = (classes: readonly string[]): string => [...classes.slice(0, 5), ...(classes.length > 5 ? ['...'] : [])].join(', ')
