/** Where parameters, their gradients, velocity and running statistics lie: the same place in each arena, so that one pass updates all. */
import type { Graph } from '../graph/graph.js'
import type { DraftTensor } from './draft.js'
import { ALIGNMENT, align, elements, sizeOf, storageBytes, type TensorTypes } from './layout.js'
import type { ArenaName } from './program.js'

export interface ParameterPlan {
  /** Parameters and buffers by name. */
  readonly tensors: ReadonlyMap<string, DraftTensor>
  readonly gradients: ReadonlyMap<string, DraftTensor>
  readonly velocities: ReadonlyMap<string, DraftTensor>
  readonly offsets: ReadonlyMap<DraftTensor, number>
  /** Whole arenas as one row of elements, for the optimizer. */
  readonly views: { readonly weights: DraftTensor; readonly gradients: DraftTensor; readonly velocity: DraftTensor } | undefined
  /** Elements from the arena's start, by parameter name. */
  readonly segments: ReadonlyMap<string, { readonly offset: number; readonly length: number }>
}

export function planParameters(graph: Graph, types: TensorTypes, trainable: (name: string) => boolean): ParameterPlan {
  const tensors = new Map<string, DraftTensor>()
  const gradients = new Map<string, DraftTensor>()
  const velocities = new Map<string, DraftTensor>()
  const offsets = new Map<DraftTensor, number>()
  const segments = new Map<string, { offset: number; length: number }>()
  const make = (name: string, shape: readonly number[], arena: ArenaName, offset: number): DraftTensor => {
    const tensor: DraftTensor = { name, dtype: types.master, layout: 'plain', shape, arena, pinned: true }
    offsets.set(tensor, offset)
    return tensor
  }
  let end = 0
  for (const { name, shape } of graph.parameters) {
    tensors.set(name, make(name, shape, 'parameters', end))
    if (trainable(name)) {
      gradients.set(name, make(`gradient/${name}`, shape, 'gradients', end))
      velocities.set(name, make(`velocity/${name}`, shape, 'velocity', end))
      segments.set(name, { offset: end / sizeOf(types.master), length: elements(shape) })
    }
    end += align(storageBytes(types.master, 'plain', shape))
  }
  let bufferEnd = 0
  for (const { name, shape } of graph.buffers) {
    tensors.set(name, make(name, shape, 'buffers', bufferEnd))
    bufferEnd += align(storageBytes(types.master, 'plain', shape))
  }
  const whole = [Math.max(end, ALIGNMENT) / sizeOf(types.master)]
  const views =
    gradients.size === 0
      ? undefined
      : {
          weights: make('parameters', whole, 'parameters', 0),
          gradients: make('gradients', whole, 'gradients', 0),
          velocity: make('velocity', whole, 'velocity', 0),
        }
  return { tensors, gradients, velocities, offsets, views, segments }
}
