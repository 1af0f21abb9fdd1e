/** The nodes of a residual unit: [shared activation], shortcut, branch, addition, [activation]. */
import type { Residual } from '../layers/layer.js'
import { leading } from '../layers/residual.js'
import { conv2d } from '../layers/conv2d.js'
import { emit, emitAll } from './build.js'
import type { GraphBuilder } from './builder.js'
import type { NodeId } from './graph.js'
import { join } from './path.js'
import { imageShape, sameShape, shapeError, showShape } from './shape.js'

export function emitResidual(builder: GraphBuilder, unit: Residual, path: string, input: NodeId): NodeId {
  const shared = unit.activation === 'shared' ? leading(unit.branch) : 0
  const split = emitAll(builder, unit.branch.children.slice(0, shared), path, input)
  const rest = unit.branch.children.slice(shared)
  const sum = unit.shortcut.kind === 'gate' ? gated(builder, unit, path, split, rest) : added(builder, unit, path, split, rest)
  return emitAll(builder, unit.after.children, path, sum)
}

function added(builder: GraphBuilder, unit: Residual, path: string, split: NodeId, rest: Residual['branch']['children']): NodeId {
  const shortcut = unit.shortcut.kind === 'layers' ? emit(builder, unit.shortcut.layers, join(path, 'downsample'), split) : split
  const branch = emitBranch(builder, unit, path, split, rest)
  return add(builder, path, branch, shortcut)
}

/** g = sigmoid(conv1x1(x) + b); (1 - g) x + g F, or (1 - g) x + F. */
function gated(builder: GraphBuilder, unit: Residual, path: string, split: NodeId, rest: Residual['branch']['children']): NodeId {
  if (unit.shortcut.kind !== 'gate') return split
  const name = join(path, 'gate')
  const shape = imageShape(name, 'a gate', builder.shape(split))
  const layer = conv2d({ channels: shape.channels, kernel: 1, bias: true, biasInit: unit.shortcut.biasInit })
  const gate = builder.add({ kind: 'sigmoid', name: join(name, 'sigmoid'), inputs: [emit(builder, layer, name, split)], shape })
  const rival = builder.add({ kind: 'affine', name: join(name, 'rest'), inputs: [gate], shape, factor: -1, offset: 1 })
  const shortcut = builder.add({ kind: 'multiply', name: join(name, 'shortcut'), inputs: [rival, split], shape })
  const branch = emitBranch(builder, unit, path, split, rest)
  if (unit.shortcut.gate === 'shortcut-only') return add(builder, path, branch, shortcut)
  checkShapes(builder, path, branch, shortcut)
  return add(builder, path, builder.add({ kind: 'multiply', name: join(name, 'branch'), inputs: [gate, branch], shape }), shortcut)
}

function emitBranch(builder: GraphBuilder, unit: Residual, path: string, split: NodeId, rest: Residual['branch']['children']): NodeId {
  const last = emitAll(builder, rest, path, split)
  if (unit.branchScale === 1) return last
  return builder.add({ kind: 'affine', name: join(path, 'branchScale'), inputs: [last], shape: builder.shape(last), factor: unit.branchScale, offset: 0 })
}

function add(builder: GraphBuilder, path: string, branch: NodeId, shortcut: NodeId): NodeId {
  checkShapes(builder, path, branch, shortcut)
  return builder.add({ kind: 'add', name: join(path, 'add'), inputs: [branch, shortcut], shape: builder.shape(branch) })
}

function checkShapes(builder: GraphBuilder, path: string, branch: NodeId, shortcut: NodeId): void {
  const [given, expected] = [builder.shape(branch), builder.shape(shortcut)]
  if (sameShape(given, expected)) return
  throw shapeError(path === '' ? 'residual' : path, `the branch gives ${showShape(given)}, the shortcut ${showShape(expected)}`)
}
