/**
 * The forward graph: one node per primitive, shapes known (without the batch), parameters named. `buildGraph` (build.ts) makes it
 * from layers; lib/compiler differentiates, fuses and lowers it.
 */

/** Size of one sample. `features` after global pooling and linear layers. */
export type SampleShape =
  | { readonly kind: 'image'; readonly channels: number; readonly height: number; readonly width: number }
  | { readonly kind: 'features'; readonly features: number }

export type NodeId = number

interface NodeBase {
  readonly id: NodeId
  /** Path of the layer, as in parameter names: `stages.1.blocks.0.conv1`. */
  readonly name: string
  readonly inputs: readonly NodeId[]
  readonly shape: SampleShape
}

export type GraphNode = NodeBase &
  (
    | { readonly kind: 'input' }
    | {
        readonly kind: 'conv2d'
        readonly kernel: number
        readonly stride: number
        readonly padding: number
        readonly weight: string
        readonly bias?: string
      }
    | {
        readonly kind: 'batchNorm'
        readonly epsilon: number
        readonly momentum: number
        readonly weight: string
        readonly bias: string
        readonly runningMean: string
        readonly runningVar: string
      }
    | { readonly kind: 'relu' }
    | { readonly kind: 'sigmoid' }
    /** inputs: two of equal shape. */
    | { readonly kind: 'add' }
    /** inputs: two of equal shape, element by element. */
    | { readonly kind: 'multiply' }
    /** factor * x + offset; 1 - x is factor -1, offset 1. */
    | { readonly kind: 'affine'; readonly factor: number; readonly offset: number }
    | { readonly kind: 'dropout'; readonly rate: number; readonly stream: number }
    | { readonly kind: 'optionA'; readonly stride: number }
    | { readonly kind: 'maxPool'; readonly kernel: number; readonly stride: number; readonly padding: number }
    | { readonly kind: 'averagePool'; readonly kernel: number; readonly stride: number; readonly padding: number }
    | { readonly kind: 'globalAveragePool' }
    | { readonly kind: 'linear'; readonly weight: string; readonly bias?: string }
  )

export interface Parameter {
  readonly name: string
  readonly shape: readonly number[]
  /** 'weight': convolution or linear; the rest is excluded from decay where that is asked for. */
  readonly role: 'weight' | 'bias' | 'normWeight' | 'normBias'
  readonly init: ParameterInit
}
export type ParameterInit =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'uniform'; readonly bound: number }

/** Running statistics: saved with a model, not trained. */
export interface Buffer {
  readonly name: string
  readonly shape: readonly number[]
  readonly init: ParameterInit
}

export interface Graph {
  readonly name: string
  /** In topological order; a node's id is its index. The first is the input, the last the output. */
  readonly nodes: readonly GraphNode[]
  /** In order of first use. */
  readonly parameters: readonly Parameter[]
  readonly buffers: readonly Buffer[]
}
