/** Layers: immutable values that describe a network. Nothing here knows sizes, devices or memory. */

/** Any layer. Arrays are read as sequences whose children are named by type and ordinal (`norm1`, `conv1`). */
export type Layer = Conv2d | BatchNorm | Relu | Dropout | MaxPool | AveragePool | GlobalAveragePool | Linear | Scale | OptionA | Sequential | Repeat | Residual

/** An image layer may be given as a bare layer, an array (a sequence without a name of its own) or a record (keys become names). */
export type LayerLike = Layer | readonly LayerLike[] | { readonly [name: string]: LayerLike }

export interface Conv2d {
  readonly kind: 'conv2d'
  readonly channels: number
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly bias: boolean
  /** Start value of every bias. */
  readonly biasInit: number
}
export interface BatchNorm {
  readonly kind: 'batchNorm'
  readonly epsilon: number
  /** Share of the new value in running statistics, as PyTorch counts. */
  readonly momentum: number
}
export interface Relu {
  readonly kind: 'relu'
}
export interface Dropout {
  readonly kind: 'dropout'
  /** Probability that a value becomes zero. */
  readonly rate: number
}
/** Of `maxPool` and `averagePool`. */
export interface PoolOptions {
  readonly kernel: number
  /** @default kernel */
  readonly stride?: number
  /** Pixels put around the image. At most half the kernel. @default 0 */
  readonly padding?: number
}
export interface MaxPool {
  readonly kind: 'maxPool'
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}
export interface AveragePool {
  readonly kind: 'averagePool'
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}
export interface GlobalAveragePool {
  readonly kind: 'globalAveragePool'
}
export interface Linear {
  readonly kind: 'linear'
  readonly units: number
  readonly bias: boolean
}
export interface Scale {
  readonly kind: 'scale'
  readonly factor: number
}
/** Parameter-free shortcut: every stride-th row and column, channels filled up with zeros at the end. */
export interface OptionA {
  readonly kind: 'optionA'
  readonly channels: number
  readonly stride: number
}
export interface Sequential {
  readonly kind: 'sequential'
  /** Named children in order. A name '' adds nothing to parameter names. */
  readonly children: readonly (readonly [name: string, layer: Layer])[]
}
/** The same layers several times, each copy with weights of its own, named from, from + 1 ... */
export interface Repeat {
  readonly kind: 'repeat'
  readonly count: number
  readonly layer: Layer
  /** The number that the first copy is named by. */
  readonly from: number
}

/** A residual unit: after(shortcut(x) + branch(x)). */
export interface Residual {
  readonly kind: 'residual'
  /** F. Its children's names have no prefix of their own. */
  readonly branch: Sequential
  /** h. 'identity' or layers; parameter names are under `downsample`. */
  readonly shortcut: Shortcut
  /** 'shared': the branch's leading norm and ReLU (whatever comes before its first convolution) act before the paths split. */
  readonly activation: 'branch' | 'shared'
  /** f, after the addition: `relu()`, or norm and ReLU; empty in a pre-activation unit. Names as if they followed the branch. */
  readonly after: Sequential
  /** Table 1: multiplies the branch, after its last layer. 1 by default. */
  readonly branchScale: number
}

export type Shortcut =
  | { readonly kind: 'identity' }
  | { readonly kind: 'layers'; readonly layers: Sequential }
  /**
   * Gates of Fig. 2: g = sigmoid(conv1x1(x) + b), parameters under `gate`. 'exclusive': (1 - g) x + g F; 'shortcut-only': (1 - g) x + F.
   */
  | { readonly kind: 'gate'; readonly gate: 'exclusive' | 'shortcut-only'; readonly biasInit: number }

/** A network: an image in, logits (or feature maps) out. */
export interface Network {
  readonly kind: 'network'
  readonly name: string
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  readonly layers: Sequential
}
