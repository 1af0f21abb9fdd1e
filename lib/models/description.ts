/** What a network of the family can be asked for. */
import type { NetworkOptions } from '../layers/index.js'
import type { Block, Family, ShapeShortcut, StridedConvolution } from './choices.js'
import type { UnitName } from './units.js'

/** These options change a network that has a name. */
export interface PreResNetOptions {
  /** The number of classes, and so of outputs, is from 1 to 1,000,000. @default 10 for CIFAR, 1000 for ImageNet */
  readonly classes?: number
  /**
   * The size of an image is from 1 to 65,536 pixels in height and width, with 1 to 1,000,000 channels.
   * @default 32 x 32 x 3 for CIFAR, 224 x 224 x 3 for ImageNet
   */
  readonly input?: Partial<NetworkOptions['input']>
  /** What stands on the shortcut where the shape changes. @default 'option-a' for CIFAR's basic and one-layer units, else 'projection' */
  readonly shortcut?: ShapeShortcut
  /** Which convolution of a bottleneck has the stride; 'conv1' is the code that was released in 2016. @default 'conv2' */
  readonly strideOn?: StridedConvolution
  /**
   * Output channels of each stage [stages] are from 1 to 1,000,000; a bottleneck's middle has a quarter of them.
   * @default 16, 32, 64 (CIFAR), 64, 128, 256, 512 (ImageNet); four times that for bottlenecks
   */
  readonly widths?: readonly number[]
  /** Which residual unit the network is made of: that of the paper (Fig. 4e), or another of its Tables 1 and 2. @default 'pre-activation' */
  readonly unit?: UnitName
  /** The start value of the gates' bias is from -1000 to 1000, for the two gating units of Table 1. @default 0 */
  readonly gateBias?: number
  /** The factor of 'constant-scaling' (shortcut and branch) and 'constant-shortcut' in Table 1 is at least 0; 0 makes a plain network. @default 0.5 */
  readonly factor?: number
  /** The probability of a zero on the shortcut is from 0 to below 1, for 'dropout-shortcut' of Table 1. @default 0.5 */
  readonly dropoutRate?: number
  /**
   * The probability that an image passes the last unit by its shortcut alone is from 0 to below 1; it rises linearly from 0 in the first unit (stochastic depth).
   * @default 0
   */
  readonly stochasticDepth?: number
  /**
   * Whether every unit begins as its shortcut: the last norm of a branch, or its last convolution where no norm follows that, has weights of 0. It is not for
   * unit 'relu-before-addition', whose branches would never learn.
   * @default false
   */
  readonly zeroInit?: boolean
}

/** Which network it is, said in full. */
export interface PreResNetDescription extends PreResNetOptions {
  /** CIFAR's networks have three stages and begin with a 3x3 convolution, ImageNet's have four and begin with one of 7x7 and a max-pooling. */
  readonly family: Family
  /**
   * The number of weighted layers is 6n + 2 (basic), 9n + 2 (bottleneck) or 3n + 2 (one-layer) for CIFAR, from 5 up to 90,002; 18, 34, 50, 101, 152 or 200 for
   * ImageNet. Either this or `units` is given.
   * @default that of `units`
   */
  readonly depth?: number
  /** The number of units of each stage [stages] is from 1 to 10,000. @default those of `depth` */
  readonly units?: readonly number[]
  /**
   * The convolutions of a unit's branch are 3x3, 3x3 ('basic'), 1x1, 3x3, 1x1 ('bottleneck'), or one 3x3 ('one-layer', Table 3).
   * @default 'basic' for CIFAR, as the depth says for ImageNet
   */
  readonly block?: Block
}
