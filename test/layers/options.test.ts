import test from 'ava'
import { PreresnetError } from '../../lib/errors.js'
import {
  averagePool,
  batchNorm,
  classifierHead,
  constantScaling,
  conv2d,
  dropout,
  dropoutShortcut,
  gate,
  globalAveragePool,
  identity,
  linear,
  maxPool,
  network,
  optionA,
  projection,
  relu,
  repeat,
  residual,
  scale,
  sequential,
} from '../../lib/layers/index.js'

const input = { height: 8, width: 8, channels: 3 }
/** What a caller without types may pass. */
const any = (value: unknown) => value as never

test('defaults', (t) => {
  t.deepEqual({ ...conv2d({ channels: 16, kernel: 3 }) }, { kind: 'conv2d', channels: 16, kernel: 3, stride: 1, padding: 1, bias: false, biasInit: 0 })
  t.is(conv2d({ channels: 16, kernel: 7 }).padding, 3)
  t.is(conv2d({ channels: 16, kernel: 4 }).padding, 2)
  t.is(conv2d({ channels: 16, kernel: 1 }).padding, 0)
  t.deepEqual({ ...batchNorm() }, { kind: 'batchNorm', epsilon: 1e-5, momentum: 0.1 })
  t.deepEqual({ ...maxPool({ kernel: 2, ceil: false }) }, { kind: 'maxPool', kernel: 2, stride: 2, padding: 0 })
  t.deepEqual({ ...maxPool({ kernel: 2, ceil: true }) }, { kind: 'maxPool', kernel: 2, stride: 2, padding: 0, ceil: true })
  t.deepEqual({ ...averagePool({ kernel: 2 }) }, { kind: 'averagePool', kernel: 2, stride: 2, padding: 0 })
  t.deepEqual({ ...linear({ units: 10 }) }, { kind: 'linear', units: 10, bias: true })
  t.deepEqual({ ...optionA({ channels: 32 }) }, { kind: 'optionA', channels: 32, stride: 1 })
  t.deepEqual({ ...gate({ kind: 'exclusive' }) }, { kind: 'gate', gate: 'exclusive', biasInit: 0 })
  const unit = residual({ branch: [conv2d({ channels: 3, kernel: 3 })] })
  t.deepEqual([unit.shortcut.kind, unit.activation, unit.branchScale, unit.after.children.length], ['identity', 'branch', 1, 0])
  t.is(network({ input, layers: relu() }).name, 'network')
})

const refused: readonly (readonly [what: string, make: () => unknown, message: RegExp])[] = [
  ['misspelt key', () => conv2d(any({ chanels: 16, kernel: 3 })), /conv2d: unknown option "chanels"; did you mean "channels"\?/],
  ['no options', () => conv2d(any(undefined)), /conv2d: expected an object of options, got undefined/],
  ['missing channels', () => conv2d(any({ kernel: 3 })), /conv2d: channels: expected an integer .* got undefined/],
  ['text for a number', () => conv2d(any({ channels: '16', kernel: 3 })), /conv2d: channels: expected an integer .* got "16" \(type string\)/],
  ['no channels', () => conv2d({ channels: 0, kernel: 3 }), /conv2d: channels: expected an integer from 1 .* got 0/],
  ['broken kernel', () => conv2d({ channels: 8, kernel: 2.5 }), /conv2d: kernel/],
  ['stride 0', () => conv2d({ channels: 8, kernel: 3, stride: 0 }), /conv2d: stride/],
  ['padding of a whole kernel', () => conv2d({ channels: 8, kernel: 3, padding: 3 }), /conv2d: padding: expected an integer from 0 to 2, got 3/],
  ['start of a bias that is not there', () => conv2d({ channels: 8, kernel: 3, biasInit: -6 }), /conv2d: biasInit: expected 0 where there is no bias/],
  ['bias as a number', () => conv2d(any({ channels: 8, kernel: 3, bias: 1 })), /conv2d: bias: expected true or false, got 1/],
  ['epsilon 0', () => batchNorm({ epsilon: 0 }), /batchNorm: epsilon/],
  ['momentum above 1', () => batchNorm({ momentum: 1.5 }), /batchNorm: momentum: expected a number from 0 to 1/],
  ['everything dropped', () => dropout({ rate: 1 }), /dropout: rate: expected a number from 0 to below 1/],
  ['negative rate', () => dropoutShortcut({ rate: -0.1 }), /dropout: rate/],
  ['unknown key of a shortcut', () => dropoutShortcut(any({ rat: 0.5 })), /dropoutShortcut: unknown option "rat"; did you mean "rate"\?/],
  ['padding of an average pool above half', () => averagePool({ kernel: 3, padding: 2 }), /averagePool: padding: expected an integer from 0 to 1/],
  ['padding of a pool above half', () => maxPool({ kernel: 3, padding: 2 }), /maxPool: padding: expected an integer from 0 to 1/],
  ['no units', () => linear({ units: 0 }), /linear: units/],
  ['no classes', () => classifierHead({ classes: -1 }), /classifierHead: classes/],
  ['infinite factor', () => scale({ factor: Infinity }), /scale: factor: expected a finite number, got Infinity/],
  ['factor that is no number', () => constantScaling({ factor: NaN }), /constantScaling: factor: expected a finite number, got NaN/],
  ['unknown gate', () => gate(any({ kind: 'exclusiv' })), /gate: kind: .*did you mean "exclusive"\?/],
  ['projection without channels', () => projection(any({ stride: 2 })), /projection: channels/],
  ['no copies', () => repeat(0, relu()), /repeat: count: expected an integer from 1 to 10000, got 0/],
  ['empty branch', () => residual({ branch: [] }), /residual: branch: expected at least one layer, got none/],
  ['unknown activation', () => residual(any({ branch: [relu()], activation: 'share' })), /residual: activation: .*did you mean "shared"\?/],
  [
    'nothing to share',
    () => residual({ branch: [conv2d({ channels: 3, kernel: 3 })], activation: 'shared' }),
    /a norm or ReLU before the branch's first convolution/,
  ],
  ['nothing after what is shared', () => residual({ branch: [batchNorm(), relu()], activation: 'shared' }), /expected a convolution after the activation/],
  ['a name of the shortcut', () => residual({ branch: { gate: conv2d({ channels: 3, kernel: 1 }) } }), /the name "gate" is the unit's own/],
  ['one name for branch and after', () => residual({ branch: { norm: batchNorm() }, after: { norm: batchNorm() } }), /two layers are called "norm"/],
  ['a number for a layer', () => sequential(any([relu(), 3])), /sequential\[1\]: expected a layer, an array of layers or a record of layers, got 3/],
  ['nothing for a layer', () => network({ input, layers: any({ stem: undefined }) }), /network: layers\.stem: expected a layer/],
  ['a forged layer', () => sequential(any([{ kind: 'conv2d', channels: 3 }])), /sequential\[0\]: expected a layer made by conv2d\(\)/],
  ['a function for a layer', () => sequential(any([relu])), /sequential\[0\]: expected a layer/],
  ['a shortcut for a layer', () => sequential(any([identity()])), /it belongs into residual/],
  ['a network for a layer', () => sequential(any([network({ input, layers: relu() })])), /sequential\[0\]: expected a layer/],
  ['a number as name', () => sequential({ 0: relu() }), /names of letters, digits, _ and - that start with a letter/],
  ['a name with a dot', () => sequential({ 'a.b': relu() }), /names of letters/],
  ['a pair with a dot', () => sequential([['a.b', relu()]]), /names of letters/],
  [
    'two pairs of one name',
    () =>
      sequential([
        ['a', relu()],
        ['a', relu()],
      ]),
    /two layers are called "a"/,
  ],
  ['no layers', () => network({ input, layers: [] }), /network: layers: expected at least one layer, got none/],
  ['no input', () => network(any({ layers: relu() })), /network: input: expected an object of options, got undefined/],
  [
    'misspelt input',
    () => network({ input: any({ ...input, heigth: 3 }), layers: relu() }),
    /network: input: unknown option "heigth"; did you mean "height"\?/,
  ],
  ['empty image', () => network({ input: { ...input, width: 0 }, layers: relu() }), /network: input\.width/],
  ['empty name', () => network({ name: '', input, layers: relu() }), /network: name: expected a string that is not empty/],
]

for (const [what, make, message] of refused) {
  test(`refused: ${what}`, (t) => {
    const error = t.throws(make, { instanceOf: PreresnetError, message })
    t.is(error.code, 'ERR_OPTION')
  })
}

test('layers cannot be changed, however deep', (t) => {
  const unit = residual({
    branch: [batchNorm(), relu(), conv2d({ channels: 3, kernel: 3 })],
    shortcut: projection({ channels: 3, norm: true }),
    after: [relu()],
  })
  const net = network({ input, layers: { stem: [conv2d({ channels: 3, kernel: 3 })], units: repeat(2, unit), pool: globalAveragePool() } })
  const seen = assertFrozen(net)
  t.true(seen > 20)
  t.throws(() => Object.assign(net.input, { height: 9 }), { instanceOf: TypeError })
  t.throws(() => (net.layers.children as unknown[]).push(['more', relu()]), { instanceOf: TypeError })

  function assertFrozen(value: object): number {
    t.true(Object.isFrozen(value), JSON.stringify(value).slice(0, 80))
    const inner = Object.values(value).filter((item): item is object => typeof item === 'object' && item !== null)
    return inner.reduce((sum, item) => sum + assertFrozen(item), 1)
  }
})

test('later changes of the arguments do not reach the network', (t) => {
  const size = { ...input }
  const layers = [conv2d({ channels: 4, kernel: 3 })]
  const net = network({ input: size, layers })
  size.height = 99
  layers.push(conv2d({ channels: 5, kernel: 3 }))
  t.is(net.input.height, 8)
  t.is(net.layers.children.length, 1)
})
