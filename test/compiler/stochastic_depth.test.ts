/** Units that images pass by, and branches that start at zero: what networks are made of, and what they compute. */
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { conv2d, dropout, batchNorm, network, networkFromJson, relu, residual } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { unitNames } from '../../lib/models/units.js'
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import { loadBinding } from '../../lib/native/load.js'
import { startValues } from '../support/lowered.js'

const family = { family: 'cifar', depth: 14, block: 'basic', shortcut: 'projection', classes: 10 } as const

test('the rate rises linearly from the first unit to the last, as in timm', (t) => {
  const { nodes } = buildGraph(preResNet({ ...family, stochasticDepth: 0.3 }))
  const drops = nodes.flatMap((node) => (node.kind === 'dropout' ? [{ name: node.name, rate: node.rate, perImage: node.perImage }] : []))
  t.deepEqual(
    drops.map(({ name }) => name),
    ['0.blocks.1', '1.blocks.0', '1.blocks.1', '2.blocks.0', '2.blocks.1'].map((unit) => `stages.${unit}.drop`),
  )
  drops.forEach(({ rate, perImage }, index) => t.true(perImage === true && Math.abs(rate - (0.3 * (index + 1)) / 5) < 1e-15))
  const names = ({ parameters }: ReturnType<typeof buildGraph>): string[] => parameters.map(({ name }) => name)
  t.deepEqual(names(buildGraph(preResNet({ ...family, stochasticDepth: 0.3 }))), names(buildGraph(preResNet(family))))
})

test('plain data keep both, and networks without them are as they were', (t) => {
  const net = preResNet({ ...family, stochasticDepth: 0.3, zeroInit: true })
  t.deepEqual(networkFromJson(JSON.parse(JSON.stringify(net))), net)
  const text = JSON.stringify(preResNet({ ...family, stochasticDepth: 0, zeroInit: false }))
  t.is(text, JSON.stringify(preResNet(family)))
  t.false(/"of"|weightInit|drop/.test(text))
  t.throws(() => preResNet({ ...family, stochasticDepth: 1 }), { code: 'ERR_OPTION', message: /stochasticDepth: expected a number from 0 to below 1/ })
  t.throws(() => dropout({ rate: 0.5, of: 'batch' as 'image' }), { code: 'ERR_OPTION' })
  t.throws(() => conv2d({ channels: 1, kernel: 1, weightInit: 1 as 0 }), { code: 'ERR_OPTION', message: /weightInit: expected 0 or none/ })
})

for (const unit of unitNames.filter((name) => name !== 'relu-before-addition')) {
  test(`${unit}: the last norm of a branch starts at zero, or the convolution that no norm follows`, (t) => {
    const zeros = ({ parameters }: ReturnType<typeof buildGraph>): string[] =>
      parameters.flatMap(({ name, role, init }) =>
        role.startsWith('norm') && role !== 'normWeight' ? [] : init.kind === 'constant' && init.value === 0 && role !== 'bias' ? [name] : [],
      )
    const changed = zeros(buildGraph(preResNet({ ...family, unit, zeroInit: true })))
    t.deepEqual(zeros(buildGraph(preResNet({ ...family, unit }))), [])
    t.is(changed.length, 6)
    const normLast = !['pre-activation', 'bn-after-addition'].includes(unit)
    for (const name of changed) t.regex(name, normLast ? /norm2\.weight$/ : /conv2\.weight$/)
  })
}

test('relu-before-addition: branches that start at zero are refused, for behind a ReLU they would never learn', (t) => {
  const message = /zeroInit: expected false with unit relu-before-addition, .*, got true/
  t.throws(() => preResNet({ ...family, unit: 'relu-before-addition', zeroInit: true }), { code: 'ERR_OPTION', message })
  t.notThrows(() => preResNet({ ...family, unit: 'relu-before-addition', zeroInit: false }))
})

const [N, C] = [6, 8]
const unit = (of: 'value' | 'image'): ReturnType<typeof network> =>
  network({
    name: 'unit',
    input: { height: 5, width: 5, channels: C },
    layers: { unit: residual({ branch: [batchNorm(), relu(), conv2d({ channels: C, kernel: 3 }), dropout({ rate: 0.5, of })] }) },
  })

async function run(
  device: 'reference' | 'cpu',
  of: 'value' | 'image',
  step: number,
): Promise<{ x: Float64Array; y: Float64Array; dx: Float64Array; dw: Float64Array }> {
  const net = unit(of)
  const set = await compilePrograms(buildGraph(net), {
    device,
    precision: device === 'reference' ? 'fp64' : 'fp32',
    batch: N,
    programs: ['train'],
    input: { kind: 'tensor' },
    loss: { kind: 'externalGradient' },
    inputGradient: true,
  })
  const session = await loadBinding().createSession(await serializePrograms(set), { threads: 2 })
  try {
    await session.allocate()
    for (const [name, values] of startValues(net)) await session.write(name, values)
    const x = Float64Array.from({ length: N * C * 25 }, (_, index) => Math.sin(index * 1.7))
    await session.write('x', x)
    await session.write('dy', new Float64Array(N * C * 25).fill(1))
    await session.run('train', { steps: 1, seed: 3, firstStep: step, learningRates: new Float64Array(), poison: true })
    const read = async (name: string): Promise<Float64Array> => Float64Array.from(await session.read(name))
    return { x, y: await read('y'), dx: await read('dx'), dw: await read('gradient/unit.conv1.weight') }
  } finally {
    await session.dispose()
  }
}

for (const device of ['reference', 'cpu'] as const) {
  test(`an image goes through the branch doubled or passes it by, there and back: ${device}`, async (t) => {
    const passed = new Set<string>()
    for (const step of [0, 1]) {
      const { x, y, dx, dw } = await run(device, 'image', step)
      t.true(dw.some((value) => value !== 0))
      const size = C * 25
      const whole = Array.from({ length: N }, (_, n) => {
        const [given, out] = [x.subarray(n * size, (n + 1) * size), y.subarray(n * size, (n + 1) * size)]
        const untouched = out.filter((value, i) => Math.abs(value - given[i]!) < 1e-6).length
        t.true(untouched === size || untouched < size / 10, `image ${n}: ${untouched} of ${size} values are those of the shortcut`)
        return untouched === size
      })
      passed.add(whole.map(Number).join(''))
      t.true(whole.includes(true) && whole.includes(false))
      // A norm's gradient reaches all images, but its sum over an image that passed by hangs on the others alone.
      t.true(dx.every(Number.isFinite))
    }
    t.is(passed.size, 2, 'every step draws anew')
  })
}

test('the branch of kept images is doubled, and its gradient too: against a network without dropout', async (t) => {
  const both = await run('reference', 'image', 0)
  const values = await run('cpu', 'image', 0)
  both.y.forEach((value, i) => t.true(Math.abs(value - values.y[i]!) < 1e-5))
  both.dx.forEach((value, i) => t.true(Math.abs(value - values.dx[i]!) < 1e-4))
  both.dw.forEach((value, i) => t.true(Math.abs(value - values.dw[i]!) < 1e-4 * Math.max(...both.dw.map(Math.abs))))
})
