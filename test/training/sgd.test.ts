import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { batchNorm, classifierHead, conv2d, network, relu } from '../../lib/layers/index.js'
import { updateOptions } from '../../lib/runtime/optimizer.js'
import { sgd } from '../../lib/training/sgd.js'

const graph = buildGraph(
  network({
    input: { height: 4, width: 4, channels: 1 },
    layers: { stem: conv2d({ channels: 2, kernel: 3 }), norm: [batchNorm(), relu()], head: classifierHead({ classes: 3 }) },
  }),
)
const names = graph.parameters.map(({ name }) => name)
const weights = graph.parameters.filter(({ role }) => role === 'weight').map(({ name }) => name)

test("the defaults are the paper's", (t) => {
  t.deepEqual(sgd(), { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 1e-4, excludeFromDecay: 'none', groups: [], clipNorm: 0 })
})

test('every parameter decays, unless norms and biases are left out', (t) => {
  const everything = updateOptions(graph, sgd({ momentum: 0.5, nesterov: true, weightDecay: 0.01, clipNorm: 2 }), [])
  t.deepEqual({ ...everything, settings: undefined }, { momentum: 0.5, nesterov: true, clipNorm: 2, settings: undefined })
  t.deepEqual(everything.settings, Object.fromEntries(names.map((name) => [name, { decay: 0.01, rate: 1 }])))
  const some = updateOptions(graph, sgd({ weightDecay: 0.01, excludeFromDecay: 'norm-and-bias' }), [])
  t.is(weights.length, 2)
  t.deepEqual(
    Object.entries(some.settings).filter(([, { decay }]) => decay > 0),
    weights.map((name) => [name, { decay: 0.01, rate: 1 }]),
  )
})

test('the first group that matches counts, over exclusions too', (t) => {
  const groups = [
    { match: 'head', rate: 10 },
    { match: '*bias', weightDecay: 0.5 },
    { match: 'stem.weight', rate: 0, weightDecay: 0 },
  ]
  const { settings } = updateOptions(graph, sgd({ weightDecay: 0.01, excludeFromDecay: 'norm-and-bias', groups }), [])
  const head = names.filter((name) => name.startsWith('head.'))
  t.is(head.length, 2)
  for (const name of head) t.deepEqual(settings[name], { decay: weights.includes(name) ? 0.01 : 0, rate: 10 })
  t.deepEqual(settings['stem.weight'], { decay: 0, rate: 0 })
  const normBias = graph.parameters.find(({ role }) => role === 'normBias')!.name
  t.deepEqual(settings[normBias], { decay: 0.5, rate: 1 })
})

test('frozen parameters have no settings', (t) => {
  const { settings } = updateOptions(graph, sgd(), ['stem', '*bias'])
  t.deepEqual(
    Object.keys(settings),
    names.filter((name) => name !== 'stem.weight' && !name.endsWith('bias')),
  )
  t.throws(() => updateOptions(graph, sgd(), ['*']), { code: 'ERR_OPTION', message: /every parameter is frozen/ })
})

test('a pattern that matches nothing is an error with the nearest name', (t) => {
  t.throws(() => updateOptions(graph, sgd(), ['stemm']), { code: 'ERR_OPTION', message: /nothing matches "stemm"; did you mean "stem"/ })
  t.throws(() => updateOptions(graph, sgd({ groups: [{ match: 'tail.*' }] }), []), { code: 'ERR_OPTION', message: /groups\[0\]\.match: nothing matches "tail/ })
  t.throws(() => updateOptions(graph, sgd(), ['ste']), { code: 'ERR_OPTION' }, 'a path is matched at its dots')
})

const bad: [string, () => unknown, RegExp][] = [
  ['a misspelt option', () => sgd({ weigthDecay: 1 } as never), /did you mean "weightDecay"/],
  ['a momentum beyond 1', () => sgd({ momentum: 1.1 }), /from 0 to 1/],
  ['nesterov without momentum', () => sgd({ momentum: 0, nesterov: true }), /more than 0 for nesterov/],
  ['a group without match', () => sgd({ groups: [{ rate: 1 } as never] }), /groups\[0\]\.match: expected a string/],
  ['groups that are no list', () => sgd({ groups: {} as never }), /expected a list of groups/],
  ['an exclusion it does not know', () => sgd({ excludeFromDecay: 'norm' as never }), /"none" or "norm-and-bias"/],
  ['null', () => sgd(null as never), /object of options/],
]
for (const [name, make, message] of bad) {
  test(`refused: ${name}`, (t) => {
    t.throws(make, { code: 'ERR_OPTION', message })
  })
}
