/**
 * The residual units of He et al. 2016, "Identity Mappings in Deep Residual Networks" (arXiv 1603.05027): the full pre-activation
 * unit (Fig. 4e), the original one (He et al. 2015, arXiv 1512.03385), and every variant of Tables 1 to 3.
 *
 * Where the paper leaves a choice:
 * - The variants of Table 1 are of units that keep their shape. A unit that changes it is the original one, with option A or a projection.
 * - A projection has a norm where the branch ends in one. It takes the activated input where the unit activates first.
 * - Of a network of ReLU-only units the first shares its ReLU and the last is followed by one, as the paper has it for full pre-activation.
 */
import { batchNorm, conv2d, constantScaling, dropoutShortcut, gate, identity, optionA, projection, relu, residual, sequential } from '../layers/index.js'
import type { Conv2d, Layer, NamedLayer, Residual, ShortcutLike } from '../layers/index.js'
import type { Block, ShapeShortcut, StridedConvolution } from './choices.js'

/** One unit of a network. */
export interface UnitShape {
  readonly inputs: number
  readonly channels: number
  readonly stride: number
  readonly block: Block
  /** What stands where the shape changes. */
  readonly shortcut: ShapeShortcut
  /** Which convolution of a bottleneck strides. */
  readonly strideOn: StridedConvolution
  /** The network's first unit: its activation serves both paths ('shared'), or the stem has activated already ('activated'). */
  readonly first: 'no' | 'shared' | 'activated'
  /** Start value of a gate's bias. */
  readonly gateBias: number
  /** Constant scaling's factor. */
  readonly factor: number
  /** Dropout's rate on the shortcut. */
  readonly rate: number
}

type UnitFunction = (unit: UnitShape) => Residual

const changes = ({ inputs, channels, stride }: UnitShape) => inputs !== channels || stride !== 1

/** The convolutions of a unit, as `block` says. */
function convolutions({ channels, stride, block, strideOn }: UnitShape): readonly Conv2d[] {
  if (block === 'one-layer') return [conv2d({ channels, kernel: 3, stride })]
  if (block === 'basic') return [conv2d({ channels, kernel: 3, stride }), conv2d({ channels, kernel: 3 })]
  const middle = channels / 4
  const [first, second] = strideOn === 'conv1' ? [stride, 1] : [1, stride]
  return [conv2d({ channels: middle, kernel: 1, stride: first }), conv2d({ channels: middle, kernel: 3, stride: second }), conv2d({ channels, kernel: 1 })]
}

/** Identity where the shape stays, else option A or a 1x1 convolution. */
function shortcut(unit: UnitShape, norm: boolean): ShortcutLike {
  const { channels, stride } = unit
  if (!changes(unit)) return identity()
  return unit.shortcut === 'option-a' ? optionA({ channels, stride }) : projection({ channels, stride, norm })
}

/** Whether a unit that activates first does so before its paths split. */
function sharing(unit: UnitShape): 'shared' | 'branch' {
  if (unit.first === 'activated') return 'branch'
  return unit.first === 'shared' || changes(unit) ? 'shared' : 'branch'
}

/** BN-ReLU-conv, as often as there are convolutions: Fig. 4e's branch. Without the first norm where the stem has activated already. */
function activateThenConvolve(unit: UnitShape): Layer {
  return sequential(
    convolutions(unit).flatMap((conv, index): NamedLayer[] => {
      const ordinal = index + 1
      const activation: NamedLayer[] = [
        [`norm${ordinal}`, batchNorm()],
        [`relu${ordinal}`, relu()],
      ]
      return [...(index === 0 && unit.first === 'activated' ? [] : activation), [`conv${ordinal}`, conv]]
    }),
  )
}

/** conv-BN-ReLU ... conv-BN: the branch of Fig. 4a. */
function convolveThenNormalize(unit: UnitShape): readonly Layer[] {
  return convolutions(unit).flatMap((conv, index) => (index === 0 ? [conv, batchNorm()] : [relu(), conv, batchNorm()]))
}

/** (e) full pre-activation: x + F, with BN-ReLU before every convolution. Both paths take the activated input where the shape changes. */
const preActivation: UnitFunction = (unit) => residual({ branch: activateThenConvolve(unit), shortcut: shortcut(unit, false), activation: sharing(unit) })

/** (a) original: ReLU(x + F), a norm after every convolution. */
export const original: UnitFunction = (unit) => residual({ branch: convolveThenNormalize(unit), shortcut: shortcut(unit, true), after: [relu()] })

/** (b) BN after addition: ReLU(BN(x + F)), the branch without its last norm. */
const bnAfterAddition: UnitFunction = (unit) =>
  residual({ branch: convolveThenNormalize(unit).slice(0, -1), shortcut: shortcut(unit, false), after: [batchNorm(), relu()] })

/** (c) ReLU before addition: x + ReLU(F). */
const reluBeforeAddition: UnitFunction = (unit) => residual({ branch: [...convolveThenNormalize(unit), relu()], shortcut: shortcut(unit, true) })

/** (d) ReLU-only pre-activation: ReLU-conv-BN ... conv-BN, add. */
const reluOnlyPreactivation: UnitFunction = (unit) =>
  residual({
    branch: [...(unit.first === 'activated' ? [] : [relu()]), ...convolveThenNormalize(unit)],
    shortcut: shortcut(unit, true),
    activation: sharing(unit),
  })

/** Constant scaling, "frozen gating" at 0.5: ReLU(factor x + factor F). */
const constantScalingOfBoth: UnitFunction = (unit) => varied(unit, constantScaling({ factor: unit.factor }), unit.factor)

/** Constant scaling of the shortcut only: ReLU(factor x + F). A factor of 0 leaves a plain network. */
const constantScalingOfShortcut: UnitFunction = (unit) => varied(unit, constantScaling({ factor: unit.factor }))

/** Exclusive gating: ReLU((1 - g(x)) x + g(x) F). */
const exclusiveGating: UnitFunction = (unit) => varied(unit, gate({ kind: 'exclusive', biasInit: unit.gateBias }))

/** Shortcut-only gating: ReLU((1 - g(x)) x + F). */
const shortcutOnlyGating: UnitFunction = (unit) => varied(unit, gate({ kind: 'shortcut-only', biasInit: unit.gateBias }))

/** 1x1 convolution (and norm) on every shortcut. */
const convShortcut: UnitFunction = (unit) => varied(unit, projection({ channels: unit.channels, norm: true }))

/** Dropout on every identity shortcut. */
const dropoutOnShortcut: UnitFunction = (unit) => varied(unit, dropoutShortcut({ rate: unit.rate }))

/** An original unit with another shortcut (Table 1); as it was where the shape changes. */
function varied(unit: UnitShape, variant: ShortcutLike, branchScale = 1): Residual {
  if (changes(unit)) return original(unit)
  return residual({ branch: convolveThenNormalize(unit), shortcut: variant, branchScale, after: [relu()] })
}

/** Units by the names that `preResNet({ unit })` takes. */
export const unitFunctions = {
  'pre-activation': preActivation,
  original,
  'bn-after-addition': bnAfterAddition,
  'relu-before-addition': reluBeforeAddition,
  'relu-only-preactivation': reluOnlyPreactivation,
  'constant-scaling': constantScalingOfBoth,
  'constant-shortcut': constantScalingOfShortcut,
  'exclusive-gating': exclusiveGating,
  'shortcut-only-gating': shortcutOnlyGating,
  'conv-shortcut': convShortcut,
  'dropout-shortcut': dropoutOnShortcut,
} as const satisfies Readonly<Record<string, UnitFunction>>

/**
 * The units of the paper are called by these names: 'pre-activation' is Fig. 4e, 'original' Fig. 4a; the others of Fig. 4 are in Table 2, those that change the
 * shortcut in Table 1.
 */
export type UnitName = keyof typeof unitFunctions
export const unitNames = Object.keys(unitFunctions) as readonly UnitName[]
