/** Layers: immutable values that describe a network. Nothing here knows sizes, devices or memory. */

/** A layer is one of these immutable values, told apart by `kind`. */
export type Layer = Conv2d | BatchNorm | Relu | Dropout | MaxPool | AveragePool | GlobalAveragePool | Linear | Scale | OptionA | Sequential | Repeat | Residual

/**
 * A layer may be given as a bare layer, as an array (a sequence whose children are named by type and ordinal: `norm1`, `conv1`) or as a record (keys become
 * names).
 */
export type LayerLike = Layer | readonly LayerLike[] | { readonly [name: string]: LayerLike }

/** A convolution of an image, which `conv2d` makes. */
export interface Conv2d {
  readonly kind: 'conv2d'
  /** The number of channels of the output is from 1 to 1,000,000. */
  readonly channels: number
  /** Rows and columns of the kernel are as many, from 1 to 1024 pixels. */
  readonly kernel: number
  /** The output has every stride-th row and column, from 1 to 1024 pixels apart. */
  readonly stride: number
  /** Zeros are put on every side, from 0 to kernel - 1 pixels. */
  readonly padding: number
  /** Whether a bias [channels] is added. */
  readonly bias: boolean
  /** The start value of every bias can be any finite number; it is 0 without a bias. */
  readonly biasInit: number
  /** All weights start at 0; it is absent where they start as He et al. 2015 has them. */
  readonly weightInit?: 0
}
/** A batch normalization of an image's channels, which `batchNorm` makes. */
export interface BatchNorm {
  readonly kind: 'batchNorm'
  /** What is added to the variance is a positive value, of at least 5e-324. */
  readonly epsilon: number
  /** The share of the new value in running statistics is from 0 to 1, as PyTorch counts. */
  readonly momentum: number
  /** The start value of every weight can be any finite number; it is absent where that is 1. */
  readonly weightInit?: number
}
/** The larger of x and 0 is taken, value by value; `relu` makes it. */
export interface Relu {
  readonly kind: 'relu'
}
/** Dropout of single values or of whole images while training, which `dropout` makes. */
export interface Dropout {
  readonly kind: 'dropout'
  /** The probability that a value becomes zero is from 0 to below 1. */
  readonly rate: number
  /** All values of an image become zero together; it is absent where each does by itself. */
  readonly of?: 'image'
}
/** The options of `maxPool` and `averagePool` are these. */
export interface PoolOptions {
  /** Rows and columns of a window are as many, from 1 to 1024 pixels. */
  readonly kernel: number
  /** Windows are so many rows and columns apart, from 1 to 1024 pixels. @default kernel */
  readonly stride?: number
  /** Pixels are put around the image, from 0 to half the kernel, at most. @default 0 */
  readonly padding?: number
}
/** The options of `maxPool` are these. */
export interface MaxPoolOptions extends PoolOptions {
  /** Whether the last windows may reach beyond the image, where they begin inside it, as with PyTorch's `ceil_mode`. @default false */
  readonly ceil?: boolean
}
/** The largest value of each window, which `maxPool` makes a layer of, is taken. */
export interface MaxPool {
  readonly kind: 'maxPool'
  /** Rows and columns of a window are as many, from 1 to 1024 pixels. */
  readonly kernel: number
  /** Windows are so many rows and columns apart, from 1 to 1024 pixels. */
  readonly stride: number
  /** Pixels are put around the image, from 0 to half the kernel; they are never the largest. */
  readonly padding: number
  /** The last windows may reach beyond the image, where they begin inside it; it is absent where they may not. */
  readonly ceil?: true
}
/** The mean of each window is taken; `averagePool` makes it. */
export interface AveragePool {
  readonly kind: 'averagePool'
  /** Rows and columns of a window are as many, from 1 to 1024 pixels. */
  readonly kernel: number
  /** Windows are so many rows and columns apart, from 1 to 1024 pixels. */
  readonly stride: number
  /** Pixels of zero are put around the image, from 0 to half the kernel; they count in the mean. */
  readonly padding: number
}
/** The mean of each channel is taken, so that an image becomes a vector [channels]; `globalAveragePool` makes it. */
export interface GlobalAveragePool {
  readonly kind: 'globalAveragePool'
}
/** A fully connected layer, which `linear` makes. */
export interface Linear {
  readonly kind: 'linear'
  /** The number of features of the output is from 1 to 1,000,000. */
  readonly units: number
  /** Whether a bias [units] is added. */
  readonly bias: boolean
}
/** Every value is multiplied by a constant; `scale` makes it. */
export interface Scale {
  readonly kind: 'scale'
  /** The factor can be any finite number. */
  readonly factor: number
}
/**
 * A shortcut without parameters takes every stride-th row and column and fills channels up with zeros at the end; ResNet-110 has it in Tables 1 and 2, Section
 * 3.1.
 */
export interface OptionA {
  readonly kind: 'optionA'
  /** The number of channels of the output is from those of the input up to 1,000,000. */
  readonly channels: number
  /** Rows and columns that stay are so many pixels apart, from 1 to 1024. */
  readonly stride: number
}
/** Layers that follow one another, which `sequential` makes, are a layer too. */
export interface Sequential {
  readonly kind: 'sequential'
  /** Named children stand in their order; a name '' adds nothing to parameter names. */
  readonly children: readonly (readonly [name: string, layer: Layer])[]
}
/** The same layer is repeated, each copy with weights of its own, named from, from + 1 ...; `repeat` makes it. */
export interface Repeat {
  readonly kind: 'repeat'
  /** The number of copies is from 1 to 10,000. */
  readonly count: number
  /** Each copy is such a layer. */
  readonly layer: Layer
  /** The number that the first copy is named by is an index from 0 to 10,000. */
  readonly from: number
}

/** A residual unit computes after(shortcut(x) + branchScale branch(x)), as Eq. (1) and (2) of the paper have it with h, F and f; `residual` makes it. */
export interface Residual {
  readonly kind: 'residual'
  /** The branch is F; its children's names have no prefix of their own. */
  readonly branch: Sequential
  /** The shortcut is h: the identity, layers, whose parameters are named under `downsample`, or a gate. */
  readonly shortcut: Shortcut
  /**
   * With 'shared', the branch's leading norm and ReLU (whatever comes before its first convolution) act before the paths split, as in the network's first unit
   * (Appendix of the paper).
   */
  readonly activation: 'branch' | 'shared'
  /** What follows the addition is f: `relu()`, or norm and ReLU; it is empty in a pre-activation unit. Names go on as if it followed the branch. */
  readonly after: Sequential
  /** The branch is multiplied by this factor after its last layer, any finite number; 0.5 is Table 1's constant scaling, 1 leaves it as it is. */
  readonly branchScale: number
}

/** What a unit adds its branch to is one of these: h of Eq. (1), in the forms of Fig. 2. */
export type Shortcut =
  | { readonly kind: 'identity' }
  | {
      readonly kind: 'layers'
      /** The layers that act on the shortcut have names under `downsample`. */
      readonly layers: Sequential
    }
  /**
   * Gates of Fig. 2: g = sigmoid(conv1x1(x) + b), parameters under `gate`. 'exclusive': (1 - g) x + g F; 'shortcut-only': (1 - g) x + F.
   */
  | {
      readonly kind: 'gate'
      /** With 'exclusive' the unit computes (1 - g) x + g F (Fig. 2c), with 'shortcut-only' (1 - g) x + F (Fig. 2d), where g = sigmoid(conv1x1(x) + b). */
      readonly gate: 'exclusive' | 'shortcut-only'
      /** The start value of the gate's bias can be any finite number. */
      readonly biasInit: number
    }

/** A network takes an image and gives logits, or feature maps; `network` makes it. */
export interface Network {
  readonly kind: 'network'
  /** The network has this name for people, in reports and in model files. */
  readonly name: string
  /** The size of one image is from 1 to 65,536 pixels in height and width, with 1 to 1,000,000 channels. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number }
  /** The layers that an image goes through are one sequence. */
  readonly layers: Sequential
}
