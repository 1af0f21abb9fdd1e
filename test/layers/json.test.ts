import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { conv2d, gate, network, networkFromJson, optionA, relu, residual } from '../../lib/layers/index.js'
import type { Network } from '../../lib/layers/index.js'
import { type ModelName, modelNames, preResNet, type UnitName } from '../../lib/models/index.js'
import { unitFunctions } from '../../lib/models/units.js'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

for (const name of Object.keys(modelNames) as ModelName[]) {
  test(`${name} survives JSON`, (t) => {
    const net = preResNet(name)
    const back = networkFromJson(plain(net))
    t.deepEqual(back, net)
    t.deepEqual(buildGraph(back), buildGraph(net))
  })
}

for (const unit of Object.keys(unitFunctions) as UnitName[]) {
  test(`a network of ${unit} units survives JSON`, (t) => {
    const net = preResNet({ family: 'cifar', depth: 8, unit })
    t.deepEqual(networkFromJson(plain(net)), net)
  })
}

test('a network of 1001 layers is a few kilobytes', (t) => {
  t.true(JSON.stringify(preResNet('preresnet-1001')).length < 8000)
})

test('buildGraph validates a network that is plain data', (t) => {
  const net = preResNet('preresnet-20')
  t.deepEqual(buildGraph(plain(net) as Network), buildGraph(net))
  t.throws(() => buildGraph({} as never), { code: 'ERR_OPTION', message: /network: kind: expected "network", got undefined/ })
  t.throws(() => buildGraph(undefined as never), { code: 'ERR_OPTION', message: /network: expected an object, got undefined/ })
})

const sample = () =>
  plain(
    network({
      input: { height: 8, width: 8, channels: 4 },
      layers: {
        stem: conv2d({ channels: 4, kernel: 3 }),
        gated: residual({ branch: [conv2d({ channels: 4, kernel: 3 })], shortcut: gate({ kind: 'exclusive', biasInit: -6 }), after: [relu()] }),
        wider: residual({ branch: [conv2d({ channels: 8, kernel: 3 })], shortcut: optionA({ channels: 8 }) }),
      },
    }),
  )

/** Every position of the data, with a value put there. */
const damaged: readonly (readonly [path: readonly (string | number)[], value: unknown, message: RegExp])[] = [
  [['kind'], 'net', /network: kind: expected "network", got "net"/],
  [['extra'], 1, /network: unknown option "extra"/],
  [['name'], 7, /network: name: expected a string/],
  [['input', 'height'], 'big', /network: input\.height/],
  [['layers'], null, /network: expected an object, got null/],
  [['layers', 'kind'], 'relu', /unknown option "children"|expected "sequential"/],
  [['layers', 'children'], 'none', /children: expected an array/],
  [['layers', 'children', 0], ['stem'], /children: expected pairs \[name, layer\]/],
  [['layers', 'children', 0, 0], 'a.b', /children: expected names/],
  [['layers', 'children', 0, 0], 'gated', /two layers are called "gated"/],
  [['layers', 'children', 0, 1, 'kind'], 'conv3d', /network\.stem: kind: .*did you mean "conv2d"\?/],
  [['layers', 'children', 0, 1, 'channels'], -1, /network\.stem: conv2d: channels/],
  [['layers', 'children', 0, 1, 'dilation'], 2, /network\.stem: conv2d: unknown option "dilation"/],
  [['layers', 'children', 1, 1, 'shortcut', 'kind'], 'identiti', /network\.gated\.downsample: kind: .*did you mean "identity"\?/],
  [['layers', 'children', 1, 1, 'shortcut', 'gate'], 'half', /network\.gated: gate: kind/],
  [['layers', 'children', 1, 1, 'shortcut', 'biasInit'], null, /network\.gated: gate: biasInit: expected a finite number/],
  [['layers', 'children', 1, 1, 'branch'], [], /network\.gated: expected an object/],
  [['layers', 'children', 1, 1, 'after', 'children', 0, 1, 'slope'], 0.1, /network\.gated\.relu1: relu: unknown option "slope"/],
  [['layers', 'children', 2, 1, 'shortcut', 'layers', 'children', 0, 1, 'channels'], 1.5, /network\.wider\.downsample: optionA: channels/],
]

for (const [path, value, message] of damaged) {
  test(`refused: ${JSON.stringify(value)} at ${path.join('.')}`, (t) => {
    const data = sample()
    t.notThrows(() => networkFromJson(data))
    let position = data as Record<string | number, unknown>
    for (const key of path.slice(0, -1)) position = position[key] as Record<string | number, unknown>
    position[path.at(-1)!] = value
    t.throws(() => networkFromJson(data), { code: 'ERR_OPTION', message })
  })
}

test('data nested without end is refused, not followed', (t) => {
  let layers: unknown = { kind: 'sequential', children: [['relu', { kind: 'relu' }]] }
  for (let depth = 0; depth < 100_000; depth++) layers = { kind: 'sequential', children: [['', layers]] }
  const data = { kind: 'network', name: 'deep', input: { height: 1, width: 1, channels: 1 }, layers }
  t.throws(() => networkFromJson(data), { code: 'ERR_OPTION', message: /layers at most 64 deep/ })
})
