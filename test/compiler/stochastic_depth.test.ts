/** Units that images pass by, and branches that start at zero: what networks are made of, and what they compute. */
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { conv2d, dropout, batchNorm, network, networkFromJson, relu, residual } from '../../lib/layers/index.js'
import type { Layer, Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { unitNames } from '../../lib/models/units.js'
import { startValues } from '../support/lowered.js'
import { unitPrograms, unitStep } from '../support/unit_step.js'

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
const unitWith = (...last: readonly Layer[]): Network =>
  network({
    name: 'unit',
    input: { height: 5, width: 5, channels: C },
    layers: { unit: residual({ branch: [batchNorm(), relu(), conv2d({ channels: C, kernel: 3 }), ...last] }) },
  })
const unit = unitWith(dropout({ rate: 0.5, of: 'image' }))
const size = C * 25
const x = Float64Array.from({ length: N * size }, (_, index) => Math.sin(index * 1.7))

interface Gradients {
  readonly y: Float64Array
  readonly dx: Float64Array
  readonly dw: Float64Array
}

async function run(net: Network, device: 'reference' | 'cpu', step: number, dy = new Float64Array(N * size).fill(1)): Promise<Gradients> {
  const values = new Map([...startValues(net), ['x', x] as const, ['dy', dy] as const])
  const { y, gradients } = await unitStep(await unitPrograms(net, N, device), values, { seed: 3, step })
  return { y, dx: gradients.get('dx')!, dw: gradients.get('gradient/unit.conv1.weight')! }
}

for (const device of ['reference', 'cpu'] as const) {
  test(`an image goes through the branch doubled or passes it by, there and back: ${device}`, async (t) => {
    const passed = new Set<string>()
    for (const step of [0, 1]) {
      const { y, dx, dw } = await run(unit, device, step)
      t.true(dw.some((value) => value !== 0))
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
  const both = await run(unit, 'reference', 0)
  const values = await run(unit, 'cpu', 0)
  both.y.forEach((value, i) => t.true(Math.abs(value - values.y[i]!) < 1e-5))
  both.dx.forEach((value, i) => t.true(Math.abs(value - values.dx[i]!) < 1e-4))
  both.dw.forEach((value, i) => t.true(Math.abs(value - values.dw[i]!) < 1e-4 * Math.max(...both.dw.map(Math.abs))))
  // What a kept image's branch gets of dy without dropout, if dy is twice as large there and 0 at the others.
  const factor = x.map((_, i) => (both.y[i - (i % size)] === x[i - (i % size)] ? 0 : 2))
  const plain = await run(unitWith(), 'reference', 0, factor)
  both.y.forEach((value, i) => t.true(Math.abs(value - (x[i]! + factor[i]! * (plain.y[i]! - x[i]!))) < 1e-12))
  both.dx.forEach((value, i) => t.true(Math.abs(value - (plain.dx[i]! - factor[i]! + 1)) < 1e-12))
  both.dw.forEach((value, i) => t.true(Math.abs(value - plain.dw[i]!) < 1e-12 * Math.max(...plain.dw.map(Math.abs))))
})
