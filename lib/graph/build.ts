/** From layers to the forward graph. Pure: the same network gives an equal graph. */
import { conv2d } from '../layers/conv2d.js'
import { networkFromJson } from '../layers/json.js'
import type { BatchNorm, Conv2d, Layer, Linear, Network, Repeat, Residual, Sequential } from '../layers/layer.js'
import { leading } from '../layers/residual.js'
import { isMade } from '../layers/value.js'
import { GraphBuilder } from './builder.js'
import type { Graph, NodeId } from './graph.js'
import { join } from './path.js'
import { convolved, featureShape, imageShape, pooled, sameShape, shapeError, showShape, subsampled } from './shape.js'

/**
 * Builds the graph of a network. Plain data of a network's form is validated first.
 * @param network - What `network`, `preResNet` or `networkFromJson` made, or data of that form.
 * @throws ERR_SHAPE where a layer does not fit its input; the message names it.
 * @throws ERR_OPTION where data is no network, or a name is taken twice.
 */
export function buildGraph(network: Network): Graph {
  const { name, input, layers } = isMade(network) ? network : networkFromJson(network)
  const builder = new GraphBuilder()
  const { channels, height, width } = input
  const start = builder.add({ kind: 'input', name: 'input', inputs: [], shape: { kind: 'image', channels, height, width } })
  emit(builder, layers, '', start)
  return builder.finish(name)
}

/** Appends a layer's nodes; answers the last. `path` is the layer's name. */
function emit(builder: GraphBuilder, layer: Layer, path: string, input: NodeId): NodeId {
  const name = path === '' ? layer.kind : path
  const shape = builder.shape(input)
  switch (layer.kind) {
    case 'conv2d':
      return emitConv(builder, layer, path, input)
    case 'batchNorm':
      return emitNorm(builder, layer, path, input)
    case 'relu':
      return builder.add({ kind: 'relu', name, inputs: [input], shape })
    case 'dropout':
      return builder.add({
        kind: 'dropout',
        name,
        inputs: [input],
        shape,
        rate: layer.rate,
        stream: builder.stream(),
        ...(layer.of === 'image' && { perImage: true }),
      })
    case 'maxPool':
    case 'averagePool':
      return builder.add({ ...layer, name, inputs: [input], shape: pooled(name, layer, shape) })
    case 'globalAveragePool':
      return emitAverage(builder, name, input)
    case 'linear':
      return emitLinear(builder, layer, path, input)
    case 'scale':
      return builder.add({ kind: 'affine', name, inputs: [input], shape, factor: layer.factor, offset: 0 })
    case 'optionA':
      return builder.add({ kind: 'optionA', name, inputs: [input], shape: subsampled(name, layer, shape), stride: layer.stride })
    case 'sequential':
      return emitAll(builder, layer.children, path, input)
    case 'repeat':
      return emitCopies(builder, layer, path, input)
    case 'residual':
      return emitResidual(builder, layer, path, input)
  }
}

function emitAll(builder: GraphBuilder, children: Sequential['children'], path: string, input: NodeId): NodeId {
  return children.reduce((last, [name, child]) => emit(builder, child, join(path, name), last), input)
}

function emitCopies(builder: GraphBuilder, { count, layer, from }: Repeat, path: string, input: NodeId): NodeId {
  let last = input
  for (let copy = from; copy < from + count; copy++) last = emit(builder, layer, join(path, String(copy)), last)
  return last
}

/** Weights start as He et al. 2015 has them, by fan-out. */
function emitConv(builder: GraphBuilder, layer: Conv2d, path: string, input: NodeId): NodeId {
  const { channels, kernel, stride, padding } = layer
  const name = path === '' ? layer.kind : path
  const image = imageShape(name, 'conv2d', builder.shape(input))
  const shape = convolved(name, layer, image)
  const std = Math.sqrt(2 / (kernel * kernel * channels))
  const weight = builder.parameter({
    name: join(path, 'weight'),
    shape: [channels, image.channels, kernel, kernel],
    role: 'weight',
    init: layer.weightInit === 0 ? { kind: 'constant', value: 0 } : { kind: 'normal', std },
  })
  const node = { kind: 'conv2d', name, inputs: [input], shape, kernel, stride, padding, weight } as const
  if (!layer.bias) return builder.add(node)
  const bias = builder.parameter({ name: join(path, 'bias'), shape: [channels], role: 'bias', init: { kind: 'constant', value: layer.biasInit } })
  return builder.add({ ...node, bias })
}

function emitNorm(builder: GraphBuilder, layer: BatchNorm, path: string, input: NodeId): NodeId {
  const name = path === '' ? layer.kind : path
  const image = imageShape(name, 'batchNorm', builder.shape(input))
  const shape = [image.channels]
  const constant = (value: number) => ({ kind: 'constant', value }) as const
  const weight = builder.parameter({ name: join(path, 'weight'), shape, role: 'normWeight', init: constant(layer.weightInit ?? 1) })
  const bias = builder.parameter({ name: join(path, 'bias'), shape, role: 'normBias', init: constant(0) })
  const runningMean = builder.buffer({ name: join(path, 'running_mean'), shape, init: constant(0) })
  const runningVar = builder.buffer({ name: join(path, 'running_var'), shape, init: constant(1) })
  const { epsilon, momentum } = layer
  return builder.add({ kind: 'batchNorm', name, inputs: [input], shape: image, epsilon, momentum, weight, bias, runningMean, runningVar })
}

function emitAverage(builder: GraphBuilder, name: string, input: NodeId): NodeId {
  const { channels } = imageShape(name, 'globalAveragePool', builder.shape(input))
  return builder.add({ kind: 'globalAveragePool', name, inputs: [input], shape: { kind: 'features', features: channels } })
}

function emitLinear(builder: GraphBuilder, layer: Linear, path: string, input: NodeId): NodeId {
  const name = path === '' ? layer.kind : path
  const { features } = featureShape(name, 'linear', builder.shape(input))
  const { units } = layer
  const bound = 1 / Math.sqrt(features)
  const weight = builder.parameter({ name: join(path, 'weight'), shape: [units, features], role: 'weight', init: { kind: 'uniform', bound } })
  const shape = { kind: 'features', features: units } as const
  const node = { kind: 'linear', name, inputs: [input], shape, weight } as const
  if (!layer.bias) return builder.add(node)
  const bias = builder.parameter({ name: join(path, 'bias'), shape: [units], role: 'bias', init: { kind: 'constant', value: 0 } })
  return builder.add({ ...node, bias })
}

/** The nodes of a residual unit: [shared activation], shortcut, branch, addition, [activation]. */
function emitResidual(builder: GraphBuilder, unit: Residual, path: string, input: NodeId): NodeId {
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
