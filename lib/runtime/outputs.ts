import { buildGraph } from '../graph/build.js'
import type { Network } from '../layers/layer.js'

/** Classes that a network tells apart; undefined where it ends in no classifier. ERR_SHAPE where a layer does not fit its input. */
export function outputsOf(network: Network): number | undefined {
  const shape = buildGraph(network).nodes.at(-1)?.shape
  return shape?.kind === 'features' ? shape.features : undefined
}
