/**
 * The forward graph: one node per primitive, shapes known (without the batch), parameters named. `buildGraph` (build.ts) makes it
 * from layers; lib/compiler differentiates, fuses and lowers it.
 */

/** The size of one sample is that of an image, or a number of features after global pooling and linear layers. */
export type SampleShape =
  | {
      readonly kind: 'image'
      /** The number of channels is at least 1. */
      readonly channels: number
      /** The number of rows is at least 1, in pixels. */
      readonly height: number
      /** The number of columns is at least 1, in pixels. */
      readonly width: number
    }
  | {
      readonly kind: 'features'
      /** The number of features is at least 1. */
      readonly features: number
    }

/** A node's id is its index in `Graph.nodes`, at least 0. */
export type NodeId = number

interface NodeBase {
  /** A node's id is its index in `Graph.nodes`, at least 0. */
  readonly id: NodeId
  /** The path of the layer is written as in parameter names: `stages.1.blocks.0.conv1`. */
  readonly name: string
  /** The nodes whose results this one takes are called by their ids [inputs], at least 0 each. */
  readonly inputs: readonly NodeId[]
  /** The shape of one sample of the result is without the batch. */
  readonly shape: SampleShape
}

/** A node is one operation of the network's forward pass; `kind` says which attributes it has. */
export type GraphNode = NodeBase &
  (
    | { readonly kind: 'input' }
    | {
        readonly kind: 'conv2d'
        /** Rows and columns of the kernel, or of a window, are as many, at least 1, in pixels. */
        readonly kernel: number
        /** Rows and columns of the result are so many pixels apart in the input, at least 1. */
        readonly stride: number
        /** Pixels are put on every side of the image, at least 0. */
        readonly padding: number
        /** The parameter that holds the weights has this name. */
        readonly weight: string
        /** The parameter that holds the bias has this name; it is absent where a convolution or a linear layer has none. */
        readonly bias?: string
      }
    | {
        readonly kind: 'batchNorm'
        /** What is added to the variance is a positive value, of at least 5e-324. */
        readonly epsilon: number
        /** The share of the new value in running statistics is from 0 to 1. */
        readonly momentum: number
        /** The parameter that holds the weights has this name. */
        readonly weight: string
        /** The parameter that holds the bias has this name; it is absent where a convolution or a linear layer has none. */
        readonly bias: string
        /** The buffer that holds the running mean has this name. */
        readonly runningMean: string
        /** The buffer that holds the running variance has this name. */
        readonly runningVar: string
      }
    | { readonly kind: 'relu' }
    | { readonly kind: 'sigmoid' }
    /** inputs: two of equal shape. */
    | { readonly kind: 'add' }
    /** inputs: two of equal shape, element by element. */
    | { readonly kind: 'multiply' }
    /** factor * x + offset; 1 - x is factor -1, offset 1. */
    | {
        readonly kind: 'affine'
        /** The result is factor * x + offset; the factor can be any finite number. */
        readonly factor: number
        /** The value that is added can be any finite number: 1 - x has the factor -1 and the offset 1. */
        readonly offset: number
      }
    | {
        readonly kind: 'dropout'
        /** The probability that a value becomes zero is from 0 to below 1. */
        readonly rate: number
        /** The index of the dropout among those of the network, at least 0, decides its random numbers. */
        readonly stream: number
        /** All values of an image become zero together; it is absent where each does by itself. */
        readonly perImage?: true
      }
    | {
        readonly kind: 'optionA'
        /** Rows and columns of the result are so many pixels apart in the input, at least 1. */
        readonly stride: number
      }
    | {
        readonly kind: 'maxPool'
        /** Rows and columns of the kernel, or of a window, are as many, at least 1, in pixels. */
        readonly kernel: number
        /** Rows and columns of the result are so many pixels apart in the input, at least 1. */
        readonly stride: number
        /** Pixels are put on every side of the image, at least 0. */
        readonly padding: number
        /** The last windows may reach beyond the image, where they begin inside it; it is absent where they may not. */
        readonly ceil?: true
      }
    | {
        readonly kind: 'averagePool'
        /** Rows and columns of the kernel, or of a window, are as many, at least 1, in pixels. */
        readonly kernel: number
        /** Rows and columns of the result are so many pixels apart in the input, at least 1. */
        readonly stride: number
        /** Pixels are put on every side of the image, at least 0. */
        readonly padding: number
      }
    | { readonly kind: 'globalAveragePool' }
    | {
        readonly kind: 'linear'
        /** The parameter that holds the weights has this name. */
        readonly weight: string
        /** The parameter that holds the bias has this name; it is absent where a convolution or a linear layer has none. */
        readonly bias?: string
      }
  )

/** A parameter of a network is trained, unless it is frozen. */
export interface Parameter {
  /** The name is the path of the layer and `weight` or `bias`. */
  readonly name: string
  /** The shape is in PyTorch's order: [channels, in, kernel, kernel] for convolutions, [units, in] for linear layers, [channels] for norms and biases. */
  readonly shape: readonly number[]
  /** A 'weight' belongs to a convolution or a linear layer; the others can be excluded from decay. */
  readonly role: 'weight' | 'bias' | 'normWeight' | 'normBias'
  /** The start values are drawn as this says. */
  readonly init: ParameterInit
}
/** Start values are a constant, normally distributed around 0, or uniform in +-bound. */
export type ParameterInit =
  | {
      readonly kind: 'constant'
      /** The value of all can be any finite number. */
      readonly value: number
    }
  | {
      readonly kind: 'normal'
      /** The standard deviation of the values is at least 0. */
      readonly std: number
    }
  | {
      readonly kind: 'uniform'
      /** The largest absolute value is at least 0. */
      readonly bound: number
    }

/** Running statistics are saved with a model, and not trained. */
export interface Buffer {
  /** The name is the path of the norm and `running_mean` or `running_var`. */
  readonly name: string
  /** The shape is [channels]. */
  readonly shape: readonly number[]
  /** The start values are drawn as this says. */
  readonly init: ParameterInit
}

/** The graph of a network has one node for each operation on an image. */
export interface Graph {
  /** The name is the network's. */
  readonly name: string
  /** Nodes stand in topological order, and a node's id is its index. The first is the input, the last the output. */
  readonly nodes: readonly GraphNode[]
  /** Parameters stand in the order of their first use. */
  readonly parameters: readonly Parameter[]
  /** Running statistics stand in the order of their first use. */
  readonly buffers: readonly Buffer[]
}
