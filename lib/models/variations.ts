/** What recipes change in any unit: how its branch starts, and which images go through it. */
import { batchNorm, conv2d, dropout, residual, sequential } from '../layers/index.js'
import type { BatchNorm, Conv2d, Layer, NamedLayer, Residual } from '../layers/index.js'

function withBranch({ kind: _, ...unit }: Residual, children: readonly NamedLayer[]): Residual {
  return residual({ ...unit, branch: sequential(children) })
}

function startingAtZero(layer: Layer): Layer {
  const { kind, ...options } = layer as BatchNorm | Conv2d
  return kind === 'conv2d'
    ? conv2d({ ...(options as Omit<Conv2d, 'kind'>), weightInit: 0 })
    : batchNorm({ ...(options as Omit<BatchNorm, 'kind'>), weightInit: 0 })
}

/** The branch gives 0 at first: the last of its layers with weights has weights of 0, a norm or, where no norm follows it, a convolution. */
export function startingAsShortcut(unit: Residual): Residual {
  const { children } = unit.branch
  const last = children.findLastIndex(([, { kind }]) => kind === 'batchNorm' || kind === 'conv2d')
  return withBranch(
    unit,
    children.map(([name, layer], index): NamedLayer => [name, index === last ? startingAtZero(layer) : layer]),
  )
}

/** Stochastic depth: at this rate an image goes through the shortcut alone. */
export function passedBy(unit: Residual, rate: number): Residual {
  return rate === 0 ? unit : withBranch(unit, [...unit.branch.children, ['drop', dropout({ rate, of: 'image' })]])
}
