/** Networks as ONNX files: what is written is read back, and run by an interpreter of the test's own. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { exportOnnx } from '../../lib/exchange/index.js'
import { dataTypes, modelProto, type OnnxModel } from '../../lib/exchange/onnx/messages.js'
import type { OnnxOptions } from '../../lib/exchange/options.js'
import { decodeMessage } from '../../lib/formats/protobuf_reader.js'
import {
  averagePool,
  batchNorm,
  classifierHead,
  conv2d,
  dropout,
  linear,
  maxPool,
  globalAveragePool,
  network,
  optionA,
  relu,
  residual,
  scale,
  type Network,
} from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { unitNames } from '../../lib/models/units.js'
import { compile } from '../../lib/runtime/compile.js'
import { inTurn } from '../../lib/runtime/internals.js'
import type { Session } from '../../lib/runtime/session.js'
import type { SessionOptions } from '../../lib/runtime/session_options.js'
import { temporaryFolder } from '../support/folder.js'
import { constant, runOnnx } from '../support/onnx.js'
import { Random } from '../support/random.js'

const batch = 2

/** A session in double, of values that fp32 holds; its norms differ from the identity and its biases from 0. */
async function drawn(t: ExecutionContext, described: Network, options: Pick<SessionOptions, 'prepare'> = {}): Promise<Session> {
  const session = await compile(described, { device: 'reference', batch, evaluation: false, seed: 5, ...options })
  t.teardown(() => session.dispose())
  const random = new Random(3)
  for (const name of [...session.parameterNames, ...session.bufferNames]) {
    const tensor = session.parameter(name)
    const values = Float64Array.from(await tensor.read())
    const value = (start: number): number => {
      if (tensor.shape.length !== 1) return start
      return name.endsWith('running_var') ? 0.5 + random.uniform() : (name.endsWith('weight') ? 1 : 0) + 0.4 * random.normal()
    }
    await tensor.write(values.map((start) => Math.fround(value(start))))
  }
  return session
}

async function exported(t: ExecutionContext, session: Session | string, options: OnnxOptions = {}): Promise<OnnxModel> {
  const file = join(await temporaryFolder(t), 'model.onnx')
  await exportOnnx(session, file, options)
  return decodeMessage(modelProto, file, await readFile(file))
}

const normals = (length: number): Float64Array => {
  const random = new Random(8)
  return Float64Array.from({ length }, () => random.normal())
}

/** The largest difference of logits, by the largest logit, of the written graph from the session. */
async function difference(t: ExecutionContext, session: Session, options: OnnxOptions): Promise<number> {
  const { channels, height, width } = session.network.input
  const x = normals(batch * channels * height * width)
  await session.infer({ x })
  const expected = Float64Array.from(await inTurn(session, (native) => native.read('logits')))
  const { graph } = await exported(t, session, { ...options, answers: 'logits' })
  const { dims, data } = runOnnx(graph!, { input: { dims: [batch, channels, height, width], data: x } }).get('logits')!
  t.deepEqual(dims, [batch, expected.length / batch])
  const largest = Math.max(...expected.map(Math.abs))
  t.true(largest > 1e-2)
  return Math.max(...expected.map((value, index) => Math.abs(value - data[index]!))) / largest
}

const small = { widths: [16, 16, 24], classes: 3, input: { height: 5, width: 6 } } as const
const networks: readonly (readonly [string, Network])[] = [
  ...unitNames.map((unit) => [unit, preResNet({ family: 'cifar', units: [2, 1, 1], unit, ...small })] as const),
  ['bottlenecks', preResNet({ family: 'cifar', units: [1, 2, 1], block: 'bottleneck', ...small })],
  [
    'a pooling stem',
    preResNet({ family: 'imagenet', units: [1, 1, 1, 1], block: 'basic', widths: [8, 8, 8, 8], classes: 3, input: { height: 33, width: 40 } }),
  ],
]
for (const [name, described] of networks) {
  test(`the written graph computes the same: ${name}`, async (t) => {
    const session = await drawn(t, described)
    t.true((await difference(t, session, { norms: 'kept' })) < 1e-11, 'parameters are the same numbers')
    t.true((await difference(t, session, { norms: 'folded' })) < 1e-5, 'folded weights are rounded to fp32')
  })
}

test('every layer of a network of ones own', async (t) => {
  const session = await drawn(
    t,
    network({
      name: 'own',
      input: { height: 11, width: 10, channels: 2 },
      layers: {
        conv: conv2d({ channels: 4, kernel: 3, stride: 2, padding: 0, bias: true }),
        norm: batchNorm({ epsilon: 0.01 }),
        mean: averagePool({ kernel: 3, stride: 1, padding: 1 }),
        largest: maxPool({ kernel: 2, stride: 1 }),
        scaled: scale({ factor: -1 }),
        twice: scale({ factor: 2 }),
        wider: optionA({ channels: 6 }),
        same: optionA({ channels: 6 }),
        coarser: optionA({ channels: 6, stride: 2 }),
        unit: residual({ branch: [relu(), conv2d({ channels: 6, kernel: 1, bias: true })], branchScale: 0.25 }),
        dropped: dropout({ rate: 0.5 }),
        pool: globalAveragePool(),
        hidden: linear({ units: 5, bias: false }),
        fc: linear({ units: 3 }),
      },
    }),
  )
  t.true((await difference(t, session, { norms: 'kept' })) < 1e-7)
  t.true((await difference(t, session, { norms: 'folded' })) < 1e-5)
})

test('only norms that stand behind a convolution which nothing else reads are folded', async (t) => {
  const session = await drawn(t, preResNet({ family: 'cifar', units: [1, 1, 1], ...small }))
  const folded = await exported(t, session)
  const left = folded.graph!.nodes.filter(({ operator }) => operator === 'BatchNormalization').map(({ name }) => name)
  // A sum is in front of the first norm of a unit; the stem's result is the shortcut too, unless the first unit shares its activation.
  const expected = session.graph.nodes.flatMap((node) => {
    if (node.kind !== 'batchNorm') return []
    const [before] = node.inputs
    const readers = session.graph.nodes.filter(({ inputs }) => inputs.includes(before!)).length
    return session.graph.nodes[before!]!.kind === 'conv2d' && readers === 1 ? [] : [node.name]
  })
  t.deepEqual(left, expected)
  t.deepEqual(left, ['stages.1.blocks.0.norm1', 'stages.2.blocks.0.norm1', 'norm'])
  const twoReaders = network({
    name: 'two-readers',
    input: { height: 6, width: 6, channels: 3 },
    layers: {
      conv: conv2d({ channels: 4, kernel: 3 }),
      unit: residual({ branch: [batchNorm(), conv2d({ channels: 4, kernel: 3 })] }),
      head: classifierHead({ classes: 3 }),
    },
  })
  const both = await drawn(t, twoReaders)
  t.true((await exported(t, both)).graph!.nodes.some(({ operator }) => operator === 'BatchNormalization'))
  t.true((await difference(t, both, {})) < 1e-5)
})

test('kept parameters have their bits; versions, names and the batch are as documented', async (t) => {
  const session = await drawn(t, preResNet({ family: 'cifar', units: [1, 1, 1], ...small }))
  const { graph, irVersion, operatorSets, producerName, metadata } = await exported(t, session, { norms: 'kept' })
  t.is(irVersion, 8)
  t.deepEqual(operatorSets, [{ domain: '', version: 17 }])
  t.is(producerName, 'preresnet')
  t.deepEqual(metadata, [{ key: 'input', value: '{"layout":"NCHW","values":"normalized"}' }])
  const shape = (sizes: readonly number[]) => ({ dimensions: [{ parameter: 'N' }, ...sizes.map((value) => ({ value }))] })
  t.deepEqual(graph!.inputs, [{ name: 'input', type: { tensorType: { elementType: dataTypes.float, shape: shape([3, 5, 6]) } } }])
  t.deepEqual(graph!.outputs, [{ name: 'probabilities', type: { tensorType: { elementType: dataTypes.float, shape: shape([3]) } } }])
  const written = new Map(graph!.initializers.map((tensor) => [tensor.name!, constant(tensor)]))
  for (const name of [...session.parameterNames, ...session.bufferNames]) {
    const tensor = session.parameter(name)
    t.deepEqual(written.get(name), { dims: tensor.shape, data: Float64Array.from(await tensor.read(), Math.fround) }, name)
  }
  const names = [...graph!.nodes.flatMap(({ outputs }) => outputs), ...written.keys(), 'input']
  t.is(new Set(names).size, names.length)
})

const prepare = { evaluate: [], normalization: { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] } }

for (const input of ['nchw', 'nhwc'] as const) {
  test(`pixels are normalized in the graph: ${input}`, async (t) => {
    const session = await drawn(t, preResNet({ family: 'cifar', units: [1, 1, 1], ...small }), { prepare })
    const [height, width] = [5, 6]
    const images = Uint8Array.from({ length: batch * height * width * 3 }, (_, index) => (index * 89) % 256)
    const expected = await session.infer({ images })
    const model = await exported(t, session, { input })
    t.deepEqual(model.metadata, [
      { key: 'input', value: JSON.stringify({ layout: input.toUpperCase(), values: 'pixels' }) },
      { key: 'prepare', value: JSON.stringify(prepare) },
    ])
    t.is(model.graph!.inputs[0]!.type!.tensorType!.elementType, dataTypes.uint8)
    const place = (index: number): number => {
      const plane = height * width
      return Math.floor(index / (3 * plane)) * 3 * plane + (index % plane) * 3 + (Math.floor(index / plane) % 3)
    }
    const planes = images.map((_, index) => images[place(index)]!)
    const given =
      input === 'nhwc'
        ? { dims: [batch, height, width, 3], data: Float64Array.from(images) }
        : { dims: [batch, 3, height, width], data: Float64Array.from(planes) }
    const { data } = runOnnx(model.graph!, { images: given }).get('probabilities')!
    t.true(Math.max(...expected) - Math.min(...expected) > 1e-3)
    expected.forEach((value, index) => t.true(Math.abs(value - data[index]!) < 1e-5))
  })
}

test('a model file is exported as its session is, with its classes', async (t) => {
  const session = await drawn(t, preResNet({ family: 'cifar', units: [1, 1, 1], ...small }), { prepare })
  const model = join(await temporaryFolder(t), 'model.safetensors')
  await session.save(model)
  t.deepEqual(await exported(t, model, { input: 'nhwc' }), await exported(t, session, { input: 'nhwc' }))
})

test('what cannot be exported is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'model.onnx')
  const session = await drawn(t, preResNet({ family: 'cifar', units: [1, 1, 1], ...small }))
  await t.throwsAsync(exportOnnx(session, file, { input: 'nhwc' }), {
    code: 'ERR_OPTION',
    message: 'exportOnnx: input: expected a model that says how its images were normalized for "nhwc", got one that does not',
  })
  await t.throwsAsync(exportOnnx(session, file, { norms: 'none' as never }), { code: 'ERR_OPTION', message: /exportOnnx: norms: expected "folded" or "kept"/ })
  await t.throwsAsync(exportOnnx(session, join(folder, 'none', 'model.onnx')), { code: 'ERR_FILE', message: /none.*no such file or directory/ })
  await t.throwsAsync(exportOnnx(join(folder, 'none.safetensors'), file), { code: 'ERR_FILE' })
})
