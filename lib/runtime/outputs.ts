/** Outputs of a network against the classes of images. */
import { PreresnetError } from '../errors.js'
import { buildGraph } from '../graph/build.js'
import type { Graph } from '../graph/graph.js'
import type { Network } from '../layers/layer.js'
import type { Dataset } from '../data/dataset.js'

/** Classes that a network tells apart; undefined where it ends in no classifier. ERR_SHAPE where a layer does not fit its input. */
export function outputsOf(network: Network): number | undefined {
  return outputsOfGraph(buildGraph(network))
}

export function outputsOfGraph({ nodes }: Graph): number | undefined {
  const shape = nodes.at(-1)?.shape
  return shape?.kind === 'features' ? shape.features : undefined
}

/**
 * ERR_DATASET, with both figures and both names, where images have more classes than their network has outputs; with `exactly`, where they have fewer as well.
 * A network that ends in no classifier is refused when it is compiled.
 */
export function checkOutputs(
  where: string,
  { name, classes }: Pick<Dataset, 'name' | 'classes'>,
  network: { readonly name: string; readonly outputs: number | undefined },
  { exactly = false }: { readonly exactly?: boolean } = {},
): void {
  const { outputs } = network
  if (outputs === undefined || (exactly ? classes.length === outputs : classes.length <= outputs)) return
  throw new PreresnetError(
    'ERR_DATASET',
    `${where}: expected ${exactly ? '' : 'at most '}${outputs} classes, as network ${JSON.stringify(network.name)} has outputs, got the ${classes.length} of dataset ${name} ` +
      `(${shown(classes)}); make the network for ${classes.length} classes`,
  )
}

const shown = (classes: readonly string[]): string => [...classes.slice(0, 5), ...(classes.length > 5 ? ['...'] : [])].join(', ')
