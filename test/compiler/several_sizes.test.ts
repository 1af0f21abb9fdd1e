/** One set of programs for several batches and sizes of images, over the same weights. */
import test from 'ava'
import { boundaryOf } from '../../lib/compiler/boundary.js'
import { serializePrograms } from '../../lib/compiler/compile.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { ProgramSet } from '../../lib/compiler/program.js'
import { lossScaleOf, lossScaleStart } from '../../lib/compiler/update.js'
import { buildGraph } from '../../lib/graph/build.js'
import { batchNorm, classifierHead, conv2d, maxPool, network, optionA, projection, relu, residual, type Network } from '../../lib/layers/index.js'
import { loadBinding } from '../../lib/native/load.js'
import { compiled, compileOptions, startValues } from '../support/lowered.js'
import { onDevice } from '../support/on_device.js'

const images = (height: number, width: number): Network => {
  const unit = (channels: number, stride: number, shortcut: object) =>
    residual({ branch: [batchNorm(), relu(), conv2d({ channels, kernel: 3, stride }), batchNorm(), relu(), conv2d({ channels, kernel: 3 })], ...shortcut })
  return network({
    name: 'sizes',
    input: { height, width, channels: 3 },
    layers: {
      stem: [conv2d({ channels: 8, kernel: 3 }), maxPool({ kernel: 3, stride: 2, padding: 1 })],
      first: unit(12, 2, { shortcut: optionA({ channels: 12, stride: 2 }) }),
      second: unit(16, 1, { activation: 'shared', shortcut: projection({ channels: 16 }) }),
      norm: [batchNorm(), relu()],
      head: classifierHead({ classes: 4 }),
    },
  })
}

const SMALL = [9, 11] as const
const LARGE = [14, 12] as const
const programs: ProgramOptions['programs'] = [
  'train',
  'evaluate',
  { name: 'infer', kind: 'infer', batch: 1 },
  { name: 'infer@8', kind: 'infer', batch: 8 },
  { name: 'infer@large', kind: 'infer', batch: 8, input: { height: LARGE[0], width: LARGE[1] } },
  { name: 'evaluate@large', kind: 'evaluate', batch: 3, input: { height: LARGE[0], width: LARGE[1] } },
]

type Results = ReadonlyMap<string, Float64Array>

/** The outputs of one program of a set, of images that are the same for all. */
async function run(net: Network, set: ProgramSet, options: ProgramOptions, name: string): Promise<Results> {
  const session = await loadBinding().createSession(await serializePrograms(set), { threads: 2 })
  try {
    await session.allocate()
    for (const [parameter, values] of startValues(net)) await session.write(parameter, values)
    if (set.tensors.some((tensor) => tensor.name === 'lossScale')) await session.write('lossScale', lossScaleStart(lossScaleOf(options)))
    const once = { steps: 1, seed: 0, firstStep: 0, learningRates: new Float64Array() }
    if ('refresh' in set.programs) await session.run('refresh', once)
    const ends = boundaryOf(set, name)
    for (const [what, { name: full, shape, arena }] of ends) {
      if (arena !== 'inputs') continue
      const length = shape.reduce((product, side) => product * side, 1)
      if (what === 'images') {
        await session.write(
          full,
          Uint8Array.from({ length }, (_, index) => Math.floor(128 + 127 * Math.sin(index * 1.7))),
        )
      } else {
        await session.write(
          full,
          Int32Array.from({ length }, (_, index) => index % 2),
        )
      }
    }
    await session.run(name, once)
    const read = new Map<string, Float64Array>()
    for (const [what, { name: full, arena }] of ends) if (arena === 'outputs') read.set(what, Float64Array.from(await session.read(full)))
    return read
  } finally {
    await session.dispose()
  }
}

const DEVICES = [
  ['reference', 'fp64'],
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
  ['cuda-emulated', 'fp16'],
] as const

for (const [device, precision] of DEVICES) {
  test(`${device} ${precision}: each program gives what a set of its own gives, to the bit`, async (t) =>
    onDevice(device, async (device) => {
      const net = images(...SMALL)
      const chosen = { device, precision }
      const options = compileOptions(net, { ...chosen, programs })
      const set = await compiled(net, { ...chosen, programs })
      const alone: readonly (readonly [name: string, kind: 'infer' | 'evaluate', batch: number, size: readonly [number, number]])[] = [
        ['infer', 'infer', 1, SMALL],
        ['infer@8', 'infer', 8, SMALL],
        ['infer@large', 'infer', 8, LARGE],
        ['evaluate', 'evaluate', options.batch, SMALL],
        ['evaluate@large', 'evaluate', 3, LARGE],
      ]
      for (const [name, kind, batch, size] of alone) {
        const own = images(...size)
        const more = { ...chosen, batch, programs: ['train', kind] } as const
        const expected = await run(own, await compiled(own, more), compileOptions(own, more), kind)
        t.true(expected.size > 0)
        t.deepEqual(await run(net, set, options, name), expected, name)
      }
    }))
}

test('parameters are there once; what differs in shape has a name of its own', async (t) => {
  const net = images(...SMALL)
  const set = await compiled(net, { device: 'cpu', precision: 'fp32', programs })
  const single = await compiled(net, { device: 'cpu', precision: 'fp32' })
  for (const arena of ['parameters', 'gradients', 'velocity', 'buffers']) t.is(set.arenas[arena], single.arenas[arena], arena)
  const { parameters, buffers } = buildGraph(net)
  for (const { name } of [...parameters, ...buffers]) t.is(set.tensors.filter((tensor) => tensor.name === name).length, 1, name)
  t.is(
    new Set(set.tensors.filter(({ arena }) => arena !== 'activations').map(({ name }) => name)).size,
    set.tensors.filter(({ arena }) => arena !== 'activations').length,
  )
  const name = (program: string, end: string) => boundaryOf(set, program).get(end)?.name
  t.is(name('train', 'images'), 'images')
  t.is(name('evaluate', 'images'), 'images')
  t.is(name('infer', 'images'), 'infer/images')
  t.is(name('infer@8', 'images'), 'infer@8/images')
  t.is(name('infer@large', 'images'), 'infer@large/images')
  // Of one shape in both.
  t.is(name('infer@8', 'probabilities'), name('infer@large', 'probabilities'))
  t.deepEqual(boundaryOf(set, 'evaluate@large').get('images')?.shape, [3, ...LARGE, 3])
  t.deepEqual(set.programs['infer@8']?.batch, 8)
})

test('programs that cannot be told apart, or fit no image, are refused', async (t) => {
  const net = images(...SMALL)
  const refused = async (request: unknown, message: RegExp, code = 'ERR_OPTION') =>
    t.throwsAsync(compiled(net, { programs: ['infer', request] as ProgramOptions['programs'] }), { code, message })
  await refused('infer', /names that differ/)
  await refused('trian', /programs/)
  await refused({ name: 'refresh', kind: 'infer' }, /names that differ/)
  await refused({ name: 'a/b', kind: 'infer' }, /letters/)
  await refused({ name: 'again', kind: 'train' }, /kind/)
  await refused({ name: 'evaluate', kind: 'infer' }, /kind: expected "evaluate"/)
  await refused({ name: 'more', kind: 'infer', batch: 0 }, /batch/)
  await refused({ name: 'more', kind: 'infer', size: 3 }, /unknown option "size"/)
  await refused({ name: 'more', kind: 'infer', input: { height: 0, width: 3 } }, /input: height/)
})
