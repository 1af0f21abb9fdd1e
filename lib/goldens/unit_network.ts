/** The network that consists of one golden unit, said with the public layers. Shapes of units: He et al. 2016, Fig. 1, 2 and 4. */
import { PreresnetError } from '../errors.js'
import { batchNorm, conv2d, gate, identity, network, optionA, projection, relu, residual, scale } from '../layers/index.js'
import type { Layer, LayerLike, Network, Shortcut } from '../layers/index.js'
import type { UnitDescription } from './case_file.js'

export function unitNetwork(name: string, unit: UnitDescription, height: number, width: number): Network {
  return network({ name, input: { height, width, channels: unit.in }, layers: unitLayer(unit) })
}

function unitLayer(unit: UnitDescription): Layer {
  switch (unit.unit) {
    case 'pre-activation':
      return preActivation(unit)
    case 'pre-activation-one-layer':
      return residual({ branch: [batchNorm(), relu(), conv3(unit.out)] })
    case 'original':
      return residual({ branch: convolutionsFirst(unit), shortcut: changes(unit) ? shortcut(unit, true) : identity(), after: [relu()] })
    default:
      return ablation(unit.unit, unit.out)
  }
}

const conv3 = (channels: number, stride = 1) => conv2d({ channels, kernel: 3, stride })
const changes = (unit: UnitDescription) => unit.in !== unit.out || stride(unit) !== 1
const stride = (unit: UnitDescription) => unit.stride ?? 1

/** The unit's convolutions: 3x3, 3x3 or 1x1, 3x3, 1x1 with a quarter of the channels in the middle. */
function convolutions(unit: UnitDescription): readonly Layer[] {
  const { out, block, strideOn } = unit
  if (block !== 'bottleneck') return [conv3(out, stride(unit)), conv3(out)]
  const [first, second] = strideOn === 'conv1' ? [stride(unit), 1] : [1, stride(unit)]
  return [conv2d({ channels: out / 4, kernel: 1, stride: first }), conv3(out / 4, second), conv2d({ channels: out, kernel: 1 })]
}

/** Fig. 4e. Where the shape changes, both paths take the activated input. */
function preActivation(unit: UnitDescription): Layer {
  const branch = convolutions(unit).flatMap((conv) => [batchNorm(), relu(), conv])
  return changes(unit) ? residual({ branch, shortcut: shortcut(unit, false), activation: 'shared' }) : residual({ branch })
}

/** Fig. 4a: a norm after every convolution, a ReLU between them. */
function convolutionsFirst(unit: UnitDescription): readonly LayerLike[] {
  return convolutions(unit).flatMap((conv, index) => (index === 0 ? [conv, batchNorm()] : [relu(), conv, batchNorm()]))
}

function shortcut(unit: UnitDescription, norm: boolean): Shortcut {
  return unit.shortcut === 'option-a' ? optionA({ channels: unit.out, stride: stride(unit) }) : projection({ channels: unit.out, stride: stride(unit), norm })
}

/** A basic unit of Table 1 (varied shortcut) or Table 2 (varied place of the activation). */
function ablation(kind: string, channels: number): Layer {
  const conv = conv3(channels)
  const branch = [conv, batchNorm(), relu(), conv, batchNorm()]
  const after = [relu()]
  switch (kind) {
    case 'bn-after-addition':
      return residual({ branch: [conv, batchNorm(), relu(), conv], after: [batchNorm(), relu()] })
    case 'relu-before-addition':
      return residual({ branch: [...branch, relu()] })
    case 'relu-only-preactivation':
      return residual({ branch: [relu(), ...branch] })
    case 'constant-scaling-0.5':
      return residual({ branch, shortcut: scale({ factor: 0.5 }), branchScale: 0.5, after })
    case 'constant-shortcut-0.5':
      return residual({ branch, shortcut: scale({ factor: 0.5 }), after })
    case 'exclusive-gating':
      return residual({ branch, shortcut: gate({ gate: 'exclusive' }), after })
    case 'shortcut-only-gating':
      return residual({ branch, shortcut: gate({ gate: 'shortcut-only' }), after })
    case 'conv-shortcut':
      return residual({ branch, shortcut: projection({ channels, norm: true }), after })
    default:
      throw new PreresnetError('ERR_FILE', `expected a golden unit that is known, got ${JSON.stringify(kind)}`)
  }
}
