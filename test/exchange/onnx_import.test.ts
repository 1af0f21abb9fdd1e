/** ONNX files as networks of layers: what was exported comes back, what others wrote is read, and what no layer does is refused. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import test from 'ava'
import { exportOnnx, importOnnx } from '../../lib/exchange/index.js'
import type { ImportedModel } from '../../lib/exchange/imported.js'
import { modelProto, type GivenNode, type GivenTensor } from '../../lib/exchange/onnx/messages.js'
import { encodeMessage, type Given } from '../../lib/formats/protobuf_messages.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { buildGraph } from '../../lib/graph/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { temporaryFolder } from '../support/folder.js'
import { Random } from '../support/random.js'
import { attribute, floats, integers, node, value, write } from './onnx_files.js'

const small = { family: 'imagenet', units: [1, 2, 1, 1], widths: [16, 16, 32, 16], classes: 3, input: { height: 32, width: 33 } } as const

for (const [name, network] of [
  ['original basic units', preResNet({ ...small, block: 'basic', unit: 'original' })],
  ['pre-activation bottlenecks', preResNet({ ...small, block: 'bottleneck' })],
] as const) {
  test(`out and in again has the same bits and the same answers: ${name}`, async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'model.onnx')
    const prepare = { normalization: { mean: [0.5, 0.25, 0.5], std: [0.5, 0.5, 0.25] } }
    const settings = { device: 'reference', batch: 1, evaluation: false, seed: 5 } as const
    await using session = await compile(network, settings)
    const model = join(folder, 'model.safetensors')
    await session.save(model, { prepare })
    // Values as they are in the file, in single precision.
    await session.load(model)
    await exportOnnx(model, file, { norms: 'kept' })
    const imported = await importOnnx(file)
    t.deepEqual(imported.prepare, prepare)
    const [given, read] = [network, imported.network].map(buildGraph) as [ReturnType<typeof buildGraph>, ReturnType<typeof buildGraph>]
    t.deepEqual(
      read.nodes.map(({ kind, inputs, shape }) => ({ kind, inputs: inputs.length, shape })).sort(byText),
      given.nodes.map(({ kind, inputs, shape }) => ({ kind, inputs: inputs.length, shape })).sort(byText),
    )
    const { tensors } = await readSafetensors(model)
    const bits = (values: Iterable<{ readonly data: unknown }>): string[] =>
      Array.from(values, ({ data }) => Buffer.from((data as Float32Array).buffer).toString('hex')).sort()
    t.deepEqual(bits(imported.parameters.values()), bits(tensors.values()))
    await imported.save(join(folder, 'again.safetensors'))
    await using again = await compile(imported.network, settings)
    await again.load(join(folder, 'again.safetensors'))
    const random = new Random(1)
    const x = Float64Array.from({ length: 3 * 32 * 33 }, () => random.normal())
    t.deepEqual(await again.infer({ x }), await session.infer({ x }))
  })
}

const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

/** A file such as a converter writes: images by row, column and channel, biases, pads on one side alone. */
function converted(): Given<typeof modelProto> & { graph: { nodes: GivenNode[]; initializers: GivenTensor[] } } {
  return {
    irVersion: 4,
    operatorSets: [{ domain: '', version: 9 }],
    graph: {
      name: 'a graph',
      inputs: [value('images', ['N', 6, 8, 3]), value('w1', [4, 3, 2, 2])],
      outputs: [value('answers', ['N', 2])],
      initializers: [
        floats('w1', [4, 3, 2, 2]),
        floats('b1', [4]),
        floats('w2', [4, 4, 1, 1]),
        floats('b2', [4]),
        floats('w3', [4, 2]),
        floats('b3', [2]),
        integers('shape', [-1, 4]),
      ],
      nodes: [
        node('Transpose', ['images'], 'planes', { perm: [0, 3, 1, 2] }),
        node('Conv', ['planes', 'w1', 'b1'], 'c1', { kernel_shape: [2, 2], strides: [1, 1], pads: [0, 0, 1, 1], dilations: [1, 1], group: 1 }),
        node('Relu', ['c1'], 'r1'),
        node('MaxPool', ['r1'], 'p1', { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] }),
        node('Conv', ['p1', 'w2', 'b2'], 'c2', { kernel_shape: [1, 1] }),
        node('Add', ['c2', 'p1'], 'sum'),
        node('Relu', ['sum'], 'r2'),
        node('AveragePool', ['r2'], 'mean', { kernel_shape: [3, 4] }),
        node('Reshape', ['mean', 'shape'], 'features'),
        node('MatMul', ['features', 'w3'], 'product'),
        node('Add', ['product', 'b3'], 'logits'),
        node('Softmax', ['logits'], 'answers'),
      ],
    },
  }
}

const options = { prepare: { normalization: { mean: [0, 0, 0], std: [1, 1, 1] } } }

async function logits({ network }: ImportedModel, file: string, x: Float64Array): Promise<Float32Array> {
  await using session = await compile(network, { device: 'reference', batch: 1, evaluation: false })
  await session.load(file)
  return await session.infer({ x }, { output: 'logits' })
}

test('biases, images by row and column, pads on one side alone', async (t) => {
  const file = await write(t, converted())
  const imported = await importOnnx(file, options)
  const { input } = imported.network
  t.deepEqual(input, { height: 6, width: 8, channels: 3 })
  const graph = buildGraph(imported.network)
  t.deepEqual(
    graph.nodes.map(({ name, kind }) => [name, kind]),
    [
      ['input', 'input'],
      ['conv1', 'conv2d'],
      ['relu1', 'relu'],
      ['pool1', 'maxPool'],
      ['unit1.conv1', 'conv2d'],
      ['unit1.add', 'add'],
      ['relu2', 'relu'],
      ['pool2', 'globalAveragePool'],
      ['fc1', 'linear'],
    ],
  )
  // Zeros around the kernel, where the pads are not the same on all sides.
  t.like(graph.nodes[1], { kernel: 3, padding: 1, stride: 1, shape: { kind: 'image', channels: 4, height: 6, width: 8 } })
  t.deepEqual([...(imported.parameters.get('conv1.weight')!.data as Float32Array)].slice(0, 9), [0, 0, 0, 0, -2, -1, 0, 0, 1])
  t.like(graph.nodes[3], { ceil: true, padding: 0, shape: { kind: 'image', channels: 4, height: 3, width: 4 } })
  t.deepEqual(imported.parameters.get('fc1.weight'), { dtype: 'F32', shape: [2, 4], data: Float32Array.of(-2, 0, 2, 4, -1, 1, 3, 5) })
  t.deepEqual([...(imported.parameters.get('fc1.bias')!.data as Float32Array)], [-2, -1])
  const model = `${file}.safetensors`
  await imported.save(model)
  const random = new Random(2)
  const x = Float64Array.from({ length: 3 * 6 * 8 }, () => random.normal())
  const expected = byHand(x)
  ;(await logits(imported, model, x)).forEach((got, index) => t.true(Math.abs(got / expected[index]! - 1) < 1e-6, `${got} ${expected[index]!}`))
})

test('nodes that change no value, a shape that a node gives, and a Gemm in place of a MatMul', async (t) => {
  const whole = await importOnnx(await write(t, converted()), options)
  const model = converted()
  const { nodes, initializers } = model.graph
  const { name: _, ...shape } = initializers.pop()!
  nodes.splice(9, 2, node('Gemm', ['features', 'w3', 'b3'], 'logits'))
  change(2, { inputs: ['same'] })(model)
  nodes.push({ operator: 'Constant', outputs: ['shape'], attributes: [{ name: 'value', tensor: shape, type: 4 }] })
  nodes.push(node('Identity', ['c1'], 'kept'), node('Dropout', ['kept'], 'same', { seed: 7 }))
  const imported = await importOnnx(await write(t, model), options)
  t.deepEqual([imported.network, imported.parameters], [whole.network, whole.parameters])
  const squeezed = converted()
  change(8, { operator: 'Squeeze', inputs: ['mean'], attributes: [attribute('axes', [2, 3])] })(squeezed)
  t.deepEqual((await importOnnx(await write(t, squeezed), options)).network, whole.network)
})

/** The same network, written down. */
function byHand(x: Float64Array): number[] {
  const constant = (index: number): number => index - 2
  const at = (plane: readonly number[][][], c: number, h: number, w: number): number => plane[c]?.[h]?.[w] ?? 0
  const map = (channels: number, height: number, width: number, of: (c: number, h: number, w: number) => number): number[][][] =>
    Array.from({ length: channels }, (_, c) => Array.from({ length: height }, (__, h) => Array.from({ length: width }, (___, w) => of(c, h, w))))
  const image = map(3, 6, 8, (c, h, w) => x[(c * 6 + h) * 8 + w]!)
  const first = map(4, 6, 8, (k, h, w) => {
    let sum = constant(k)
    for (let c = 0; c < 3; c++)
      for (let r = 0; r < 2; r++) for (let s = 0; s < 2; s++) sum += constant(((k * 3 + c) * 2 + r) * 2 + s) * at(image, c, h + r, w + s)
    return Math.max(sum, 0)
  })
  const pooled = map(4, 3, 4, (c, h, w) => Math.max(...[0, 1, 2].flatMap((r) => [0, 1, 2].map((s) => at(first, c, 2 * h + r, 2 * w + s)))))
  const unit = map(4, 3, 4, (k, h, w) => {
    let sum = constant(k) + pooled[k]![h]![w]!
    for (let c = 0; c < 4; c++) sum += constant(k * 4 + c) * pooled[c]![h]![w]!
    return Math.max(sum, 0)
  })
  const mean = unit.map((plane) => plane.flat().reduce((sum, each) => sum + each, 0) / 12)
  return [0, 1].map((unit_) => mean.reduce((sum, each, feature) => sum + each * constant(feature * 2 + unit_), constant(unit_)))
}

test('bgr: the first convolution takes the colors the other way round', async (t) => {
  const file = await write(t, converted())
  const [rgb, bgr] = [await importOnnx(file, options), await importOnnx(file, { ...options, channelOrder: 'bgr' })]
  const [a, b] = [rgb, bgr].map(({ parameters }) => parameters.get('conv1.weight')!.data as Float32Array) as [Float32Array, Float32Array]
  for (let filter = 0; filter < 4; filter++)
    for (let channel = 0; channel < 3; channel++)
      t.deepEqual(
        a.subarray((filter * 3 + channel) * 9, (filter * 3 + channel + 1) * 9),
        b.subarray((filter * 3 + 2 - channel) * 9, (filter * 3 + 3 - channel) * 9),
      )
  const caffe = await importOnnx(await write(t, large()), { preparation: 'caffe' })
  t.deepEqual(caffe.prepare.evaluate, [{ kind: 'resize', size: 256 }, { kind: 'centerCrop' }])
})

/** The same for images of 224 x 224: the presets have this size. */
function large(): ReturnType<typeof converted> {
  const model = converted()
  const { graph } = model
  graph.nodes.splice(7, 1, node('GlobalAveragePool', ['r2'], 'mean'))
  return { ...model, graph: { ...graph, inputs: [value('images', ['N', 224, 224, 3])] } }
}

type Change = (model: ReturnType<typeof converted>) => unknown
const change =
  (index: number, changed: Partial<GivenNode>): Change =>
  ({ graph: { nodes } }) =>
    (nodes[index] = { ...nodes[index]!, ...changed })
const weights =
  (changed: Partial<GivenTensor>): Change =>
  ({ graph: { initializers } }) =>
    (initializers[0] = { ...initializers[0]!, ...changed })

const refused: readonly (readonly [string, Change, RegExp])[] = [
  ['an operator that is not known', change(2, { operator: 'LeakyRelu' }), /LeakyRelu "r1": expected one of Conv, .*, got an operator that is not known$/],
  ['an operator of another domain', change(2, { domain: 'com.example' }), /expected operators of ONNX alone, got one of "com\.example"$/],
  ['groups', change(1, { attributes: [attribute('group', 3)] }), /Conv "c1": expected group 1 as far as ResNets use it, got 3$/],
  ['dilations', change(1, { attributes: [attribute('dilations', [2, 2])] }), /Conv "c1": expected dilations of 1, got \[2,2\]$/],
  [
    'pads that are negative',
    change(1, { attributes: [attribute('pads', [0, 0, -1, 0])] }),
    /Conv "c1": expected four pads of at least 0, less than the kernel/,
  ],
  [
    'pads as large as the kernel',
    change(1, { attributes: [attribute('pads', [0, 0, 2, 2])] }),
    /four pads of at least 0, less than the kernel, got \[0,0,2,2\]$/,
  ],
  ['weights of other channels', weights({ dims: [4, 2, 3, 2] }), /Conv "c1": expected weights of shape \[channels, 3, rows, columns\], got \[4, 2, 3, 2\]$/],
  ['a dimension that is negative', weights({ dims: [-4, 3, 2, 2] }), /"w1": expected a shape of sizes of at least 0, got \[-4, 3, 2, 2\]$/],
  ['dimensions that overflow', weights({ dims: [2 ** 40, 3, 2 ** 20, 2] }), /"w1": expected a shape of sizes of at least 0/],
  ['values that are missing', weights({ rawData: new Uint8Array(8) }), /"w1": expected 192 bytes or values for a shape of \[4, 3, 2, 2\], got 8$/],
  ['integers', weights({ dataType: 7, rawData: new Uint8Array(384) }), /"w1": expected floating-point values, got integers$/],
  ['a type that is not known', weights({ dataType: 9 }), /"w1": expected values of type F32, .*, got type 9 of ONNX$/],
  [
    'external data by an absolute path',
    weights({ dataLocation: 1, externalData: [{ key: 'location', value: '/etc/hostname' }] }),
    /"\/etc\/hostname": expected a file in the same folder, got none$/,
  ],
  [
    'a value that is not finite',
    ({ graph }) => (graph.initializers[1] = floats('b1', [4], [1, NaN, 0, 0])),
    /conv1\.bias: has a value that is not a finite number of 32 bits$/,
  ],
  ['weights that are computed', ({ graph }) => graph.initializers.splice(0, 1), /expected a graph of one input, got 2$/],
  ['a value that leads back to itself', change(2, { outputs: ['c1'] }), /"c1": expected a value that is made once$/],
  ['a path that ends nowhere', ({ graph }) => graph.nodes.push(node('Relu', ['p1'], 'more')), /"more": expected a node that reads it, got none$/],
  ['an addition with itself', change(5, { inputs: ['c2', 'c2'] }), /Add "sum": expected each value once, got the same twice$/],
  ['an output that is not there', ({ graph }) => graph.nodes.pop(), /"logits": expected a node that reads it, got none$/],
  [
    'a softmax in the middle',
    change(2, { operator: 'Softmax' }),
    /Softmax "r1": expected features as its input, and the output of the graph, got another place$/,
  ],
  [
    'a shape of other features',
    ({ graph }) => (graph.initializers[6] = integers('shape', [-1, 2])),
    /Reshape "features": expected a shape of \[images, 4\], got \[-1,2\]$/,
  ],
  [
    'an input with its axes in another order',
    change(0, { attributes: [attribute('perm', [0, 2, 3, 1])] }),
    /Transpose "planes": expected perm \[0, 3, 1, 2\], which brings channels before rows, got \[0,2,3,1\]$/,
  ],
  [
    'a shape of two sizes that are left open',
    ({ graph }) => (graph.initializers[6] = integers('shape', [-1, -1])),
    /Reshape "features": expected a shape of \[images, 4\], got \[-1,-1\]$/,
  ],
  [
    'a shape of very many sizes',
    ({ graph }) => (graph.initializers[6] = integers('shape', new Array<number>(65).fill(1))),
    /"shape": expected at most 64 integers, got a tensor of shape \[65\]$/,
  ],
  ['two constants of one name', ({ graph }) => graph.initializers.push(floats('b1', [4])), /two constants are called "b1"$/],
  [
    'constants that many nodes share',
    ({ graph }) => {
      graph.initializers.push(floats('shared', [4, 4, 9, 9]))
      const pads = { pads: [4, 4, 4, 4] }
      const convolutions = Array.from({ length: 9 }, (_, index) => node('Conv', [index === 0 ? 'p1' : `s${index}`, 'shared'], `s${index + 1}`, pads))
      graph.nodes.splice(4, 3, ...convolutions, node('Relu', ['s9'], 'r2'))
    },
    /its nodes share constants and take more than 4 times the \d+ bytes that there are$/,
  ],
  [
    'units within units within units',
    ({ graph }) => {
      // Each value is read by the next ReLU, and by an addition behind everything that follows it.
      const values = ['p1', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6']
      const inwards = values.slice(1).map((value, index) => node('Relu', [values[index]!], value))
      const outwards = [5, 4, 3, 2, 1, 0].map((index) => node('Add', [index === 5 ? 'v6' : `s${index + 1}`, values[index]!], `s${index}`))
      graph.nodes.splice(4, 3, ...inwards, ...outwards, node('Relu', ['s0'], 'r2'))
    },
    /expected residual units at most 4 deep, got more$/,
  ],
  [
    'two paths that do not meet',
    (model) => {
      change(5, { inputs: ['c2', 'elsewhere'] })(model)
      model.graph.nodes.push(node('Relu', ['p1'], 'r3'), node('Add', ['r3', 'elsewhere'], 'other'))
    },
    /"p1": expected the paths that start there to meet in one Add, got others$/,
  ],
  ['no operator set', (model) => Object.assign(model, { operatorSets: [] }), /expected operator set 7 to 25, got none$/],
  [
    'rows that are not known',
    ({ graph }) => Object.assign(graph, { inputs: [value('images', ['N', 'H', 8, 3])] }),
    /three sizes of at least 1, got \["N", "H", 8, 3\]$/,
  ],
]
for (const [what, mutate, message] of refused) {
  test(`refused: ${what}`, async (t) => {
    const model = converted()
    mutate(model)
    const file = await write(t, model)
    const error = await t.throwsAsync(importOnnx(file, options), { code: 'ERR_FILE', message })
    t.true(error.message.startsWith(file))
  })
}

test('external data beside the file are read', async (t) => {
  const file = await write(t, converted())
  const whole = await importOnnx(file, options)
  const model = converted()
  const { rawData, ...rest } = model.graph.initializers[0]!
  model.graph.initializers[0] = {
    ...rest,
    dataLocation: 1,
    externalData: Object.entries({ location: 'data/w.bin', offset: '16', length: '192' }).map(([key, text]) => ({ key, value: text })),
  }
  const other = await write(t, model)
  await mkdir(join(other, '..', 'data'))
  await writeFile(join(other, '..', 'data', 'w.bin'), Buffer.concat([Buffer.alloc(16), rawData!]))
  t.deepEqual((await importOnnx(other, options)).parameters, whole.parameters)
  await writeFile(join(other, '..', 'data', 'w.bin'), rawData!)
  await t.throwsAsync(importOnnx(other, options), {
    code: 'ERR_FILE',
    message: /"w1": expected external data inside the 192 bytes of .*w\.bin, got 192 from 16 on$/,
  })
})

test('external data outside the folder of the file are refused, also behind a link', async (t) => {
  const outside = join(await temporaryFolder(t), 'w.bin')
  await writeFile(outside, new Uint8Array(192))
  for (const location of [relative, linked]) {
    const model = converted()
    const folder = await temporaryFolder(t)
    const named = await location(folder, outside)
    weights({ dataLocation: 1, externalData: [{ key: 'location', value: named }] })(model)
    const file = join(folder, 'model.onnx')
    await writeFile(file, encodeMessage(modelProto, model).finish())
    const error = await t.throwsAsync(importOnnx(file, options), { code: 'ERR_FILE', message: /expected a file in the same folder, got one outside$/ })
    t.true(error.message.includes(`"w1": external data ${JSON.stringify(named)}: `))
  }
})

async function linked(folder: string, outside: string): Promise<string> {
  await symlink(outside, join(folder, 'link.bin'))
  return 'link.bin'
}

test('a window of a pooling that would begin behind the image is left out', async (t) => {
  const model = converted()
  // Of 6 x 8 pixels: a fourth window of each row would begin in the padding.
  change(3, { attributes: [attribute('kernel_shape', [2, 2]), attribute('strides', [3, 3]), attribute('pads', [1, 1, 1, 1]), attribute('ceil_mode', 1)] })(
    model,
  )
  change(7, { attributes: [attribute('kernel_shape', [3, 3])] })(model)
  const { network } = await importOnnx(await write(t, model), options)
  const { nodes } = buildGraph(network)
  t.like(nodes[3], { kind: 'maxPool', shape: { kind: 'image', channels: 4, height: 3, width: 3 } })
  t.is(nodes[7]!.kind, 'globalAveragePool')
})

test('nothing says how images were prepared', async (t) => {
  const file = await write(t, converted())
  await t.throwsAsync(importOnnx(file), {
    code: 'ERR_OPTION',
    message: /expected the option preparation \(timm-resnetv2, torchvision-v1, torchvision-v2, caffe\) or prepare, because the file says nothing of it$/,
  })
  await t.throwsAsync(importOnnx(file, { ...options, preparation: 'caffe' }), { code: 'ERR_OPTION', message: /expected preparation or prepare, got both/ })
})
