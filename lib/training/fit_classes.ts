/** Whether datasets have as many classes as their network has outputs. */
import type { Dataset } from '../data/dataset.js'
import { PreresnetError } from '../errors.js'
import { outputsOf } from '../runtime/outputs.js'
import type { FitPlan } from './fit_options.js'

/** ERR_DATASET, with both figures. A network that ends in no classifier is refused when it is compiled. */
export function checkClasses({ network, train, validate }: FitPlan): void {
  const outputs = outputsOf(network)
  if (outputs === undefined) return
  for (const [role, dataset] of Object.entries({ train, validate })) if (dataset !== undefined) check(role, dataset, network.name, outputs)
}

function check(role: string, { name, classes }: Dataset, network: string, outputs: number): void {
  if (classes.length === outputs) return
  throw new PreresnetError(
    'ERR_DATASET',
    `fit: ${role}: expected ${outputs} classes, as network ${JSON.stringify(network)} has outputs, got the ${classes.length} of dataset ${name} ` +
      `(${shown(classes)}); make the network for ${classes.length} classes`,
  )
}

const shown = (classes: readonly string[]): string => [...classes.slice(0, 5), ...(classes.length > 5 ? ['...'] : [])].join(', ')
