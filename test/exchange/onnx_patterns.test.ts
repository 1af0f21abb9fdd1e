/** Operators that are layers only together with others: gates, option A, the normalization of pixels. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { exportOnnx, importOnnx } from '../../lib/exchange/index.js'
import { modelProto, type GivenNode, type OnnxModel, type OnnxNode } from '../../lib/exchange/onnx/messages.js'
import type { OnnxImportOptions } from '../../lib/exchange/options.js'
import { decodeMessage } from '../../lib/formats/protobuf_reader.js'
import { writeSafetensors } from '../../lib/formats/safetensors.js'
import { buildGraph } from '../../lib/graph/index.js'
import { preResNet } from '../../lib/models/index.js'
import { modelMetadata } from '../../lib/runtime/model_file.js'
import { temporaryFolder } from '../support/folder.js'
import { attribute, floats, integers, node, write } from './onnx_files.js'
import { drawn, prepare } from './round_trip.js'

/** Units with exclusive gates, option A between the stages, pixels by row, column and channel. */
async function gated(t: ExecutionContext, input: 'nhwc' | 'nchw' = 'nhwc'): Promise<OnnxModel & { readonly graph: NonNullable<OnnxModel['graph']> }> {
  const network = preResNet({ family: 'cifar', units: [1, 1, 1], widths: [16, 16, 24], unit: 'exclusive-gating', classes: 2, input: { height: 8, width: 8 } })
  const folder = await temporaryFolder(t)
  const [model, file] = [join(folder, 'model.safetensors'), join(folder, 'model.onnx')]
  await writeSafetensors(model, drawn(buildGraph(network)), modelMetadata({ network, prepare }))
  await exportOnnx(model, file, { norms: 'kept', input })
  const { graph, ...rest } = decodeMessage(modelProto, file, await readFile(file))
  return { ...rest, graph: graph! }
}

type Graph = OnnxModel['graph'] & object
type Change = (graph: { nodes: GivenNode[]; initializers: Graph['initializers'][number][] }) => unknown

/** The network with some of its nodes and constants replaced. */
async function changed(t: ExecutionContext, change: Change, input?: 'nhwc' | 'nchw'): Promise<string> {
  const { graph, ...rest } = await gated(t, input)
  const { nodes, initializers } = graph
  change({ nodes: nodes as GivenNode[] & OnnxNode[], initializers: initializers as Graph['initializers'][number][] })
  return write(t, { ...rest, graph } as Parameters<typeof write>[1])
}

const replaced =
  (name: string, with_: (node: GivenNode) => Partial<GivenNode>): Change =>
  ({ nodes }) => {
    const index = nodes.findIndex((each) => each.name === name)
    nodes[index] = { ...nodes[index]!, ...with_(nodes[index]!) }
  }
const constant =
  (name: string, given: ReturnType<typeof floats>): Change =>
  ({ initializers }) =>
    (initializers[initializers.findIndex((each) => each.name === name)] = { ...floats(name, []), ...given, name } as (typeof initializers)[number])
const both =
  (...changes: readonly Change[]): Change =>
  (graph) => {
    for (const change of changes) change(graph)
  }

const unit = 'stages.0.blocks.0'
const refused: readonly (readonly [string, Change, RegExp])[] = [
  [
    'a product of two paths',
    replaced('stages.1.blocks.0.add', () => ({ operator: 'Mul' })),
    /Mul "stages\.1\.blocks\.0\.add": expected a constant factor, or a gate, got two paths that start at one value$/,
  ],
  [
    'a gate whose rest is not 1 - g',
    constant(`${unit}.gate.rest.offset`, floats('', [], [2])),
    /Sigmoid "stages\.0\.blocks\.0\.gate\.sigmoid": expected the gate g of a residual unit, .* got another number than 1 that it is taken from$/,
  ],
  [
    'a gate without a bias',
    replaced(`${unit}.gate`, ({ inputs }) => ({ inputs: inputs!.slice(0, 2) })),
    /Conv "stages\.0\.blocks\.0\.gate": expected a 1x1 convolution of as many channels, with a bias, before the Sigmoid of a gate, got another one$/,
  ],
  [
    'a gate that nothing else reads',
    replaced(`${unit}.gate.rest`, () => ({ operator: 'Relu' })),
    /gate\.sigmoid": expected the gate g .* got other nodes that read it$/,
  ],
  [
    'a gate on another value',
    replaced(`${unit}.gate.shortcut`, ({ inputs }) => ({ inputs: [inputs![0]!, 'stages.0.blocks.0.conv1'] })),
    /gate\.sigmoid": expected the gate g .* got a product with something else than x$/,
  ],
  [
    'a gate whose products are parts of two sums',
    both(
      replaced(`${unit}.add`, ({ inputs }) => ({ inputs: inputs!.map((input) => (input === `${unit}.gate.shortcut` ? 'stem.relu' : input)) })),
      ({ nodes }) => nodes.push(node('Add', [`${unit}.gate.shortcut`, 'stem.relu'], 'more')),
    ),
    /gate\.sigmoid": expected the gate g .* got products that meet nowhere$/,
  ],
  [
    'a gate that is added to the branch',
    replaced(`${unit}.gate.branch`, () => ({ operator: 'Add' })),
    /gate\.sigmoid": expected the gate g .* got other nodes that read it$/,
  ],
  [
    'a sigmoid between layers',
    replaced('stem.relu', () => ({ operator: 'Sigmoid' })),
    /Sigmoid "stem\.relu": expected it behind a 1x1 convolution, as the gate of a residual unit, got another place$/,
  ],
  [
    'a gate behind which there is no sum',
    replaced(`${unit}.add`, () => ({ operator: 'Mul' })),
    /gate\.sigmoid": expected the gate g .* got no Add that alone reads Mul "stages\.0\.blocks\.0\.gate\.shortcut"$/,
  ],
  [
    'a gate whose product another node reads too',
    ({ nodes }) => nodes.push(node('Relu', [`${unit}.gate.shortcut`], 'more')),
    /gate\.sigmoid": expected the gate g .* got no Add that alone reads Mul "stages\.0\.blocks\.0\.gate\.shortcut"$/,
  ],
  [
    'a factor for each channel',
    ({ nodes, initializers }) => {
      replaced('stem.relu', ({ inputs }) => ({ operator: 'Mul', inputs: [...inputs!, 'factors'] }))({ nodes, initializers })
      initializers.push(floats('factors', [1, 16, 1, 1]) as (typeof initializers)[number])
    },
    /Mul "stem\.relu": expected one number as input 2, got a shape of \[1, 16, 1, 1\]$/,
  ],
  [
    'a value taken from another number than 0',
    ({ nodes, initializers }) => {
      replaced('stem.relu', ({ inputs }) => ({ operator: 'Sub', inputs: ['three', ...inputs!] }))({ nodes, initializers })
      initializers.push(floats('three', [], [3]) as (typeof initializers)[number])
    },
    /Sub "stem\.relu": expected 0 that values are taken from, or 1 in the gate of a residual unit, got 3$/,
  ],
  [
    'a sum of three values',
    replaced('stages.1.blocks.0.add', ({ inputs }) => ({ inputs: [...inputs!, 'stem.relu'] })),
    /Add "stages\.1\.blocks\.0\.add": expected two inputs, got 3$/,
  ],
  [
    'a value that very many nodes read',
    ({ nodes }) => nodes.push(...Array.from({ length: 7 }, (_, index) => node('Relu', ['stem.relu'], `more${index}`))),
    /"stem\.relu": expected at most 9 nodes that read it, got 10$/,
  ],
  [
    'rows that begin with the second',
    constant('stages.1.blocks.0.downsample.starts', integers('', [1, 0])),
    /Slice "stages\.1\.blocks\.0\.downsample": expected every n-th of all rows and columns, got starts \[1, 0\], ends \[8, 8\], axes \[2, 3\], steps \[2, 2\]$/,
  ],
  [
    'rows that end before the last',
    constant('stages.1.blocks.0.downsample.ends', integers('', [7, 8])),
    /expected every n-th of all rows and columns, got starts \[0, 0\], ends \[7, 8\]/,
  ],
  [
    'another stride for columns',
    constant('stages.1.blocks.0.downsample.steps', integers('', [2, 1])),
    /expected every n-th of all rows and columns, .* steps \[2, 1\]$/,
  ],
  [
    'channels before the others',
    constant('stages.2.blocks.0.downsample.pads', integers('', [0, 4, 0, 0, 0, 4, 0, 0])),
    /Pad "stages\.2\.blocks\.0\.downsample": expected channels that are added behind the others: pads \[0, 0, 0, 0, 0, n, 0, 0\], got \[0,4,0,0,0,4,0,0\]$/,
  ],
  [
    'copies instead of zeros',
    replaced('stages.2.blocks.0.downsample', () => ({ attributes: [attribute('mode', 'edge')] })),
    /Pad "stages\.2\.blocks\.0\.downsample": expected zeros, got edge$/,
  ],
  [
    'pixels that stay integers',
    ({ nodes }) => nodes.splice(1, 1, node('Identity', ['images.planes'], 'images.values')),
    /"images": expected pixels that a Cast makes numbers of in single precision, got none$/,
  ],
  [
    'pixels in double precision',
    replaced('images.values', () => ({ attributes: [attribute('to', 11)] })),
    /"images": expected pixels that a Cast makes numbers of in single precision, got another one$/,
  ],
  [
    'a cast between layers',
    replaced('stem.relu', () => ({ operator: 'Cast' })),
    /Cast "stem\.relu": expected it at the input alone, where pixels become numbers, got another place$/,
  ],
  [
    'a mean of another number of channels',
    constant('normalization.offset', floats('', [1, 4, 1, 1])),
    /Add "input": expected one number, or one for each of 3 channels, as input 2, got a shape of \[1, 4, 1, 1\]$/,
  ],
]
for (const [what, change, message] of refused) {
  test(`refused: ${what}`, async (t) => {
    const file = await changed(t, change)
    const error = await t.throwsAsync(importOnnx(file), { code: 'ERR_FILE', message })
    t.true(error.message.startsWith(file))
  })
}

test('an input of integers is refused', async (t) => {
  const model = await gated(t)
  const { graph } = model
  const [input] = graph.inputs
  const type = { tensorType: { ...input!.type!.tensorType!, elementType: 6 } }
  const file = await write(t, { ...model, graph: { ...graph, inputs: [{ ...input!, type }] } } as Parameters<typeof write>[1])
  await t.throwsAsync(importOnnx(file), {
    code: 'ERR_FILE',
    message: /"images": expected an input of floating-point values or of pixels \(uint8\), got type 6 of ONNX$/,
  })
})

test('what the graph does with pixels and what the preparation says must be the same', async (t) => {
  const scale = floats('', [1, 3, 1, 1], [1 / 127.5, 1 / 127.5, 1 / 127.5])
  const file = await changed(t, constant('normalization.scale', scale))
  const graphs = /by mean \[0\.485, 0\.456, 0\.406\], std \[0\.229, 0\.224, 0\.225\], got mean \[1\.05895, 1\.01786, 0\.902222\], std \[0\.5, 0\.5, 0\.5\]$/
  const metadata = await t.throwsAsync(importOnnx(file), { code: 'ERR_FILE', message: graphs })
  t.regex(metadata.message, /expected a graph that normalizes pixels as the metadata says, /)
  const option = await t.throwsAsync(importOnnx(file, { prepare }), { code: 'ERR_OPTION', message: graphs })
  t.regex(option.message, /expected a graph that normalizes pixels as the option says, /)
})

/** The arithmetic of other programs in place of ours. */
const normalizing =
  (input: string, ...steps: readonly [operator: string, dims: readonly number[], values: readonly number[]][]): Change =>
  ({ nodes, initializers }) => {
    const begin = nodes.findIndex(({ name }) => name === 'images.scaled')
    const made = steps.map(([operator], index) =>
      node(operator, [index === 0 ? input : `step${index}`, `constant${index}`], index === steps.length - 1 ? 'input' : `step${index + 1}`),
    )
    nodes.splice(begin, 2, ...made)
    steps.forEach(([, dims, values], index) => initializers.push(floats(`constant${index}`, dims, values) as (typeof initializers)[number]))
  }
const { mean, std } = prepare.normalization
const of255 = (values: readonly number[]): number[] => values.map((value) => 255 * value)
const readable: readonly (readonly [string, 'nhwc' | 'nchw', Change, OnnxImportOptions])[] = [
  [
    'a division by 255, a mean, a standard deviation',
    'nchw',
    normalizing('images.values', ['Div', [], [255]], ['Sub', [3, 1, 1], mean], ['Div', [1, 3, 1, 1], std]),
    {},
  ],
  ['the same in levels', 'nchw', normalizing('images.values', ['Sub', [1, 3, 1, 1], of255(mean)], ['Div', [1, 3, 1, 1], of255(std)]), {}],
  [
    'before the transposition',
    'nhwc',
    both(normalizing('images.values', ['Div', [1], [255]], ['Sub', [3], mean], ['Div', [1, 1, 3], std]), ({ nodes }) => {
      const [, , ...arithmetic] = nodes.splice(0, 5)
      nodes.unshift(
        node('Cast', ['images'], 'images.values', { to: 1 }),
        ...arithmetic.map((each) => ({ ...each, outputs: [each.outputs![0] === 'input' ? 'normal' : each.outputs![0]!] })),
        node('Transpose', ['normal'], 'input', { perm: [0, 3, 1, 2] }),
      )
    }),
    {},
  ],
  [
    'blue first',
    'nchw',
    normalizing('images.values', ['Div', [], [255]], ['Sub', [3, 1, 1], mean.toReversed()], ['Div', [1, 3, 1, 1], std.toReversed()]),
    { channelOrder: 'bgr' },
  ],
]
for (const [what, input, change, options] of readable) {
  test(`pixels that others normalize: ${what}`, async (t) => {
    const whole = await importOnnx(await changed(t, () => undefined, input))
    const imported = await importOnnx(await changed(t, change, input), options)
    t.deepEqual(imported.prepare, prepare)
    t.deepEqual(imported.network, whole.network)
    if (options.channelOrder === undefined) t.deepEqual(imported.parameters, whole.parameters)
  })
}

test('axes that are counted from behind the last', async (t) => {
  const file = await changed(t, ({ nodes, initializers }) => {
    constant('stages.1.blocks.0.downsample.axes', integers('', [-2, -1]))({ nodes, initializers })
    const at = nodes.findIndex(({ operator }) => operator === 'GlobalAveragePool')
    const [pool, flatten] = nodes.splice(at, 2)
    nodes.splice(at, 0, node('ReduceMean', pool!.inputs!, flatten!.outputs![0]!, { axes: [-1, -2], keepdims: 0 }))
  })
  const whole = await importOnnx(await changed(t, () => undefined))
  const imported = await importOnnx(file)
  t.deepEqual([imported.network, imported.parameters], [whole.network, whole.parameters])
})

test('a classifier that is a 1x1 convolution, as timm has it', async (t) => {
  const file = await changed(t, ({ nodes, initializers }) => {
    const at = nodes.findIndex(({ operator }) => operator === 'GlobalAveragePool')
    const [pool, flatten, gemm] = nodes.splice(at, 3)
    const weight = initializers.find(({ name }) => name === 'head.fc.weight')!
    initializers[initializers.indexOf(weight)] = { ...weight, dims: [...weight.dims, 1, 1] }
    nodes.splice(
      at,
      0,
      pool!,
      node('Conv', [pool!.outputs![0]!, ...gemm!.inputs!.slice(1)], 'pixel'),
      node('Flatten', ['pixel'], gemm!.outputs![0]!, { axis: 1 }),
    )
    t.is(flatten!.operator, 'Flatten')
  })
  const whole = await importOnnx(await changed(t, () => undefined))
  const imported = await importOnnx(file)
  t.deepEqual([imported.network, imported.parameters], [whole.network, whole.parameters])
})

test('a file that is cut anywhere is refused', async (t) => {
  const file = await changed(t, () => undefined)
  const bytes = await readFile(file)
  for (let length = 0; length < bytes.length; length += 997) {
    await writeFile(file, bytes.subarray(0, length))
    const error = await t.throwsAsync(importOnnx(file, { prepare }), { code: 'ERR_FILE' }, `${length} bytes`)
    t.true(error.message.startsWith(file), error.message)
  }
})
