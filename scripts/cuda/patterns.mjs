// Which convolutions cuDNN is asked for: every distinct layer of every named network, with everything that may be fused with it.
import { buildGraph } from '../../dist/lib/graph/index.js'
import { preResNet } from '../../dist/lib/models/index.js'
import { imagenetDepths } from '../../dist/lib/models/depth.js'
import { modelNames } from '../../dist/lib/models/names.js'

export const BATCH = 128
export const PRECISIONS = ['fp16', 'bf16', 'fp32', 'tf32']
/** Its layers are asked of every device, in every tier. */
export const SAMPLE = 'preresnet-50'

/** `fuse` in the words of native/cuda/convolution.h; tier 1 precompiled, 2 runtime-compiled. `stem`: asked of stems too, `linear` of classifiers. */
export const PATTERNS = [
  { name: 'conv', direction: 'forward', tier: 0, fuse: [], stem: true, linear: true },
  { name: 'conv + sums', direction: 'forward', tier: 1, fuse: ['sums'], stem: true },
  { name: 'BN-ReLU + conv + sums', direction: 'forward', tier: 1, fuse: ['transform', 'sums'] },
  { name: 'conv + sums', direction: 'forward', tier: 2, fuse: ['sums'], stem: true },
  { name: 'BN-ReLU + conv', direction: 'forward', tier: 2, fuse: ['transform'] },
  { name: 'BN-ReLU + conv + sums', direction: 'forward', tier: 2, fuse: ['transform', 'sums'] },
  { name: 'BN-ReLU + conv + add + sums', direction: 'forward', tier: 2, fuse: ['transform', 'residual', 'sums'] },
  { name: 'backward data', direction: 'backward_data', tier: 0, fuse: [], linear: true },
  { name: 'backward data + mask + norm', direction: 'backward_data', tier: 1, fuse: ['mask', 'norm'] },
  { name: 'backward data + add + mask + norm', direction: 'backward_data', tier: 1, fuse: ['add', 'mask', 'norm'] },
  { name: 'backward data + add', direction: 'backward_data', tier: 2, fuse: ['add'] },
  { name: 'backward data + mask + sums', direction: 'backward_data', tier: 2, fuse: ['mask', 'sums'] },
  { name: 'backward data + add + mask + sums', direction: 'backward_data', tier: 2, fuse: ['add', 'mask', 'sums'] },
  { name: 'backward weights', direction: 'backward_weights', tier: 0, fuse: [], stem: true, linear: true },
  { name: 'BN-ReLU + backward weights', direction: 'backward_weights', tier: 1, fuse: ['transform'] },
  { name: 'BN-ReLU + backward weights', direction: 'backward_weights', tier: 2, fuse: ['transform'] },
]

export const patternKey = ({ name, tier }) => `${name} (tier ${tier})`
export const layerKey = (layer) =>
  `${layer.kernelHeight}x${layer.kernelWidth}/${layer.stride} ${layer.inChannels}x${layer.height}x${layer.width} to ${layer.outChannels}`

/** Layers with `kind` 'inner', 'stem' or 'linear', and whether they are `sampled`, as the executor sees them: channels are multiples of 8. */
export function distinctLayers() {
  const layers = new Map()
  for (const [name, { depth, block = imagenetDepths[depth]?.block }] of Object.entries(modelNames)) {
    for (const options of block === 'bottleneck' ? [{ strideOn: 'conv1' }, { strideOn: 'conv2' }] : [{}]) {
      for (const layer of layersOf(buildGraph(preResNet(name, options)))) {
        const key = `${layer.kind} ${layerKey(layer)}`
        const sampled = layers.get(key)?.sampled === true || (name === SAMPLE && options.strideOn === 'conv2')
        layers.set(key, { ...layer, sampled })
      }
    }
  }
  return [...layers.values()]
}

/**
 * Requests for the tool: what one device is asked. Runtime-compiled engines take a tenth of a second to look for, so all layers are asked
 * of one device only, and those of one network of the others (and of fp32, which they compute in tf32).
 */
export function requestsFor(layers, device, precision) {
  const everything = device === 'h100' && precision !== 'fp32'
  return PATTERNS.flatMap((pattern) =>
    layers
      .filter((layer) => (layer.kind === 'inner' || pattern[layer.kind] === true) && (pattern.tier < 2 || everything || layer.sampled))
      .map((layer) => ({ ...pattern, precision, layer, build: pattern.tier < 2 })),
  )
}

/** As many engines as the tuner tries. */
const NUMBERED = 6

/** What the tuner chooses from, by number, in deterministic sessions and others: plans that need no compiling, of the same layers as compiled ones. */
export function numberedRequests(layers, device, precision) {
  const patterns = PATTERNS.filter(({ tier, fuse }) => tier < 2 && (fuse.length === 0 || precision === 'fp16'))
  return patterns.flatMap((pattern) =>
    layers
      .filter((layer) => (layer.kind === 'inner' || pattern[layer.kind] === true) && (device === 'h100' || layer.sampled))
      .flatMap((layer) => [false, true].map((deterministic) => ({ ...pattern, precision, layer, deterministic, numbered: NUMBERED, build: true }))),
  )
}

function* layersOf(graph) {
  const padded = (channels) => Math.ceil(channels / 8) * 8
  for (const node of graph.nodes) {
    const input = graph.nodes[node.inputs[0]]?.shape
    if (node.kind === 'conv2d') {
      yield {
        kind: graph.nodes[node.inputs[0]].kind === 'input' ? 'stem' : 'inner',
        ...square(input.height, input.width, padded(input.channels), padded(node.shape.channels), node.kernel, node.stride, node.padding),
      }
    } else if (node.kind === 'linear') {
      yield { kind: 'linear', ...square(1, 1, padded(input.features), padded(node.shape.features), 1, 1, 0) }
    }
  }
}

function square(height, width, inChannels, outChannels, kernel, stride, padding) {
  const output = (size) => Math.floor((size + 2 * padding - kernel) / stride) + 1
  return {
    ...{ images: BATCH, inChannels, height, width, outChannels, outHeight: output(height), outWidth: output(width) },
    ...{ kernelHeight: kernel, kernelWidth: kernel, stride, padding },
  }
}

/** Plans that are also compiled, since a runtime-compiled engine may be listed and yet not build: of each device, requests. */
export const COMPILED = {
  h100: ['fp16', 'bf16'].flatMap((precision) => [
    compiled('BN-ReLU + conv + sums', precision, square(28, 28, 128, 128, 3, 1, 1)),
    compiled('BN-ReLU + conv + add + sums', precision, square(28, 28, 128, 512, 1, 1, 0)),
    compiled('backward data + mask + sums', precision, square(28, 28, 128, 128, 3, 1, 1)),
    compiled('backward data + mask + sums', precision, square(56, 56, 128, 128, 3, 2, 1)),
  ]),
  b200: [compiled('BN-ReLU + conv + sums', 'bf16', square(28, 28, 128, 128, 3, 1, 1))],
  rtx5090: [compiled('BN-ReLU + conv + sums', 'bf16', square(28, 28, 128, 128, 3, 1, 1))],
}

function compiled(name, precision, layer) {
  return { ...PATTERNS.find((pattern) => pattern.name === name && pattern.tier === 2), precision, layer, build: true }
}
