import { PreresnetError } from '../errors.js'
import { knownKeys, oneOf } from '../options/values.js'
import type { Layer, LayerLike, Residual, Sequential } from './layer.js'
import { ordinalsAfter, named, sequenceWithoutName } from './naming.js'
import { asShortcut, identity, type ShortcutLike } from './shortcut.js'
import { finite, made } from './value.js'

/** The options of `residual` are these. */
export interface ResidualOptions {
  /** The branch is F; its parameters have no prefix of their own: `norm1.weight`, `conv1.weight` and so on. */
  readonly branch: LayerLike
  /** The shortcut is h. @default identity() */
  readonly shortcut?: ShortcutLike
  /** With 'shared', what comes before the branch's first convolution acts before the paths split. @default 'branch' */
  readonly activation?: 'branch' | 'shared'
  /** What follows the addition is f; an array's names go on where the branch's end. @default [] */
  readonly after?: LayerLike
  /** The branch is multiplied by this factor after its last layer, any finite number. @default 1 */
  readonly branchScale?: number
}

/**
 * Makes a residual unit: after(shortcut(x) + branchScale branch(x)), Eq. (1) and (2) of the paper. Both paths must give the same shape, else ERR_SHAPE says so
 * when the graph is built.
 * @param options - Branch, shortcut and what follows the addition.
 * @throws ERR_OPTION where an option is unknown, a name is taken twice, or the branch has no layer.
 */
export function residual(options: ResidualOptions): Residual {
  knownKeys('residual', options, ['branch', 'shortcut', 'activation', 'after', 'branchScale'])
  const { shortcut = identity(), activation = 'branch', branchScale = 1 } = options
  const branch = sequenceWithoutName('residual: branch', options.branch)
  const after = sequenceWithoutName('residual: after', options.after === undefined ? [] : options.after, ordinalsAfter(branch))
  oneOf('residual: activation', activation, ['branch', 'shared'])
  if (branch.children.length === 0) throw new PreresnetError('ERR_OPTION', 'residual: branch: expected at least one layer, got none')
  checkNames(branch, after)
  if (activation === 'shared') checkShared(branch)
  return made({
    kind: 'residual',
    branch,
    shortcut: asShortcut(shortcut),
    activation,
    after,
    branchScale: finite('residual: branchScale', branchScale),
  })
}

/** How many of the branch's children a shared activation takes: those before the first that convolves. */
export function leading(branch: Sequential): number {
  const index = branch.children.findIndex(([, child]) => convolves(child))
  return index === -1 ? branch.children.length : index
}

function checkShared(branch: Sequential): void {
  const count = leading(branch)
  if (count > 0 && count < branch.children.length) return
  const what = count === 0 ? 'a norm or ReLU before' : 'a convolution after'
  throw new PreresnetError(
    'ERR_OPTION',
    `residual: activation "shared": expected ${what} the ${count === 0 ? "branch's first convolution" : 'activation'}, got none`,
  )
}

const ownNames = ['downsample', 'gate', 'add', 'branchScale']

/** Branch, shortcut and gate share the unit's name space. */
function checkNames(branch: Sequential, after: Sequential): void {
  const children = [...branch.children, ...after.children]
  named('residual', children)
  const reserved = children.find(([name]) => ownNames.includes(name))
  if (reserved === undefined) return
  throw new PreresnetError('ERR_OPTION', `residual: the name ${JSON.stringify(reserved[0])} is the unit's own`)
}

function convolves(layer: Layer): boolean {
  switch (layer.kind) {
    case 'conv2d':
    case 'residual':
      return true
    case 'sequential':
      return layer.children.some(([, child]) => convolves(child))
    case 'repeat':
      return convolves(layer.layer)
    default:
      return false
  }
}
