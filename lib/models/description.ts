/** What a network of the family can be asked for. */
import type { NetworkOptions } from '../layers/index.js'
import type { Block, Family, ShapeShortcut, StridedConvolution } from './choices.js'
import type { UnitName } from './units.js'

export interface PreResNetOptions {
  /** @default 10 for CIFAR, 1000 for ImageNet */
  readonly classes?: number
  /** Size of an image. @default 32 x 32 x 3 for CIFAR, 224 x 224 x 3 for ImageNet */
  readonly input?: Partial<NetworkOptions['input']>
  /** What stands where the shape changes. @default 'option-a' for CIFAR's basic and one-layer units, else 'projection' */
  readonly shortcut?: ShapeShortcut
  /** Which convolution of a bottleneck strides: 'conv1' as the released code of 2016. @default 'conv2' */
  readonly strideOn?: StridedConvolution
  /** Output channels of each stage; a bottleneck's middle is a quarter. @default 16, 32, 64 (CIFAR), 64, 128, 256, 512 (ImageNet); four times that for bottlenecks */
  readonly widths?: readonly number[]
  /** Which residual unit: the paper's, or one of its Tables 1 and 2. @default 'pre-activation' */
  readonly unit?: UnitName
  /** Start value of the gates' bias, for the two gating units. @default 0 */
  readonly gateBias?: number
  /** For 'constant-scaling' (shortcut and branch) and 'constant-shortcut'; 0 makes a plain network. @default 0.5 */
  readonly factor?: number
  /** For 'dropout-shortcut': probability of a zero. @default 0.5 */
  readonly dropoutRate?: number
}

/** Which network, said in full. */
export interface PreResNetDescription extends PreResNetOptions {
  readonly family: Family
  /** 6n + 2 (basic), 9n + 2 (bottleneck) or 3n + 2 (one-layer) for CIFAR; 18, 34, 50, 101, 152 or 200 for ImageNet. Either this or `units`. */
  readonly depth?: number
  /** Units of each stage. */
  readonly units?: readonly number[]
  /** 'basic': 3x3, 3x3; 'bottleneck': 1x1, 3x3, 1x1; 'one-layer' (Table 3): one 3x3. @default 'basic' for CIFAR, as the depth says for ImageNet */
  readonly block?: Block
}
