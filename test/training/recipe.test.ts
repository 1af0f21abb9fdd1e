/** What decides the numbers of a run, and how a run that differs from its checkpoint is told. */
import test from 'ava'
import { flip, memoryDataset, randomCrop, type CompletePreparation } from '../../lib/data/index.js'
import { classifierHead, conv2d, dropout, network, optionA, relu, repeat, residual, type Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { alone } from '../../lib/ranks/ranks.js'
import type { Option, Table } from '../../lib/options/spec.js'
import { fitTable, planFit } from '../../lib/training/fit_options.js'
import { networkDifference } from '../../lib/training/network_difference.js'
import { differences, otherOptions, recipeOf, type Recipe, type Taken } from '../../lib/training/recipe.js'
import type { Schedule } from '../../lib/training/schedule.js'
import { cosine, linearWarmup, multiStep, oneCycle } from '../../lib/training/schedules.js'
import { sgd } from '../../lib/training/sgd.js'

const input = { height: 4, width: 4, channels: 1 }
const net = network({ input, layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 2 }) } })
const wide = network({ name: 'wide', input, layers: { stem: conv2d({ channels: 4, kernel: 3 }), head: classifierHead({ classes: 2 }) } })
const made = (name: string, pixel: number) => memoryDataset({ name, images: new Uint8Array(64).fill(pixel), labels: [0, 1, 0, 1], ...input, classes: 2 })
const train = await made('made', 0)
const least = { train, batch: 2, steps: 8, learningRate: 0.1 }
const prepare: CompletePreparation = { train: [randomCrop({ pad: 2 })], evaluate: [], normalization: { mean: [0.1], std: [0.3] } }
const session: Taken = { device: 'cpu', precision: 'fp32', choices: undefined }

/** As state.json gives it back. */
const stored = (recipe: object) => JSON.parse(JSON.stringify(recipe)) as Recipe
const recipeWith = (more: object, of = session, prepared = prepare) => recipeOf(planFit(net, { ...least, ...more }), of, prepared)
const usual = recipeWith({})

/** Another value than the default, which is also one that the option takes. */
const others: Readonly<Record<string, unknown>> = {
  probe: [0, 5],
  train: await made('other', 1),
  validate: train,
  optimizer: sgd({ momentum: 0.5 }),
  learningRate: 0.2,
  signal: new AbortController().signal,
  epochs: undefined,
  steps: 9,
  batch: 4,
  statisticsGroups: 2,
  classWeights: [1, 2, 0.5],
  ranks: { ...alone, size: 2 },
  'checkpoint.directory': 'runs',
  'initialize.from': 'model',
  'cuda.tune': { key: 1 },
  'cuda.onTuning': () => undefined,
  'cuda.lossScale': 2,
}

function otherThan(path: string, { fallback, choices, limits, accepts }: Option): unknown {
  if (path in others) return others[path]
  if (choices !== undefined) return choices.find((choice) => choice !== fallback)
  if (typeof fallback === 'boolean') return !fallback
  if (accepts === 'a list of names or patterns') return ['stem']
  if (limits !== undefined) return limits.minimum + (accepts.startsWith('an integer') ? 1 : 0.5)
  return 'name'
}

interface Change {
  readonly path: string
  readonly option: Option
  readonly value: unknown
  readonly given: object
  /** What a run without that value was given: of options that need something beside it. */
  readonly base?: object
}

const besides: Readonly<Record<string, object>> = {
  checkpoint: { directory: 'runs' },
  initialize: { from: 'model' },
  ema: { decay: 0.9 },
  evaluationInput: { height: 4, width: 4 },
}

/** What `fit` would be given for another value of each option; of those within an option, what stands beside it. */
function changes(table: Table, above = ''): Change[] {
  return Object.entries(table).flatMap(([key, option]): Change[] => {
    const path = `${above}${key}`
    if (option.table === undefined) {
      const value = otherThan(path, option)
      return value === undefined || path === 'device' || path === 'precision' || path === 'prepare' ? [] : [{ path, option, value, given: { [key]: value } }]
    }
    const beside = besides[key] ?? {}
    return changes(option.table, `${path}.`).map((inner) => ({ ...inner, given: { [key]: { ...beside, ...inner.given } }, base: { [key]: beside } }))
  })
}

const all = changes(fitTable)
const decided = all.filter(({ option }) => option.decides)

test('the recipe of a run is data, and equal to what state.json gives back', (t) => {
  t.deepEqual(differences(stored(usual), usual), [])
  const deciding = Object.entries<Option>(fitTable).flatMap(([key, { decides, fallback, required }]) =>
    decides && (required || fallback !== undefined) ? [key] : [],
  )
  t.deepEqual(Object.keys(usual).sort(), [...deciding, 'network', 'prepare'].sort())
  for (const key of ['seed', 'frozen', 'learningRate', 'optimizer', 'precision', 'train']) t.true(deciding.includes(key), key)
})

for (const { path, value, given, base = {} } of decided) {
  test(`another ${path} is told, with both values`, (t) => {
    const choices = path === 'cuda.tune' ? value : undefined
    const wanted = recipeWith(given, { ...session, choices } as Taken)
    const plain = recipeWith(base)
    for (const [before, now] of [
      [plain, wanted],
      [wanted, plain],
    ] as const) {
      const lines = differences(stored(before), now)
      t.is(lines.length, 1, lines.join('; '))
      t.regex(lines[0]!, new RegExp(`^${path.replace('.', '\\.')}: (.+) before, (.+) now`))
      const [, saved, asked] = / (.+) before, (.+) now/.exec(lines[0]!)!
      t.not(saved, asked)
    }
  })
}

test('moving averages that one of both runs has not are told as a whole', (t) => {
  const averaged = recipeWith({ ema: { decay: 0.9 } })
  t.deepEqual(differences(stored(usual), averaged), ['ema: none before, {"after":0,"decay":0.9,"every":1} now'])
  t.deepEqual(differences(stored(averaged), usual), ['ema: {"after":0,"decay":0.9,"every":1} before, none now'])
})

test('no other option is compared', (t) => {
  const others = all.filter(({ option }) => !option.decides)
  t.true(others.length > 15)
  for (const { path, given, base = {} } of others) t.deepEqual(differences(stored(recipeWith(base)), recipeWith(given)), [], path)
})

test('what is not compared is kept for the manifest', (t) => {
  const plan = planFit(net, { ...least, validate: train, workers: 3, checkpoint: { directory: 'runs', keep: 2 }, cuda: { index: 1 } })
  const { validate, workers, checkpoint, steps, cuda } = otherOptions(plan)
  t.deepEqual(
    { validate, workers, checkpoint, steps, cuda },
    { validate: 'made', workers: 3, checkpoint: { directory: 'runs', every: 2, keep: 2, resume: false }, steps: 8, cuda: { index: 1 } },
  )
  t.notThrows(() => JSON.stringify(otherOptions(plan)))
})

test('another device, precision and network are told', (t) => {
  const bf16: Taken = { ...session, precision: 'bf16' }
  t.deepEqual(differences(stored(usual), recipeWith({}, bf16)), ['precision: "fp32" before, "bf16" now'])
  const reference: Taken = { ...session, device: 'reference' }
  t.deepEqual(differences(stored(usual), recipeWith({}, reference)), ['device: "cpu" before, "reference" now'])
  t.deepEqual(differences(stored(usual), recipeOf(planFit(wide, least), session, prepare)), [
    'network: "network" before, "wide" now (layers.stem.channels: 2 before, 4 now)',
  ])
})

test('of another network the first layer or property that differs is told', (t) => {
  const [stem, head] = [conv2d({ channels: 2, kernel: 3 }), classifierHead({ classes: 2 })]
  const unit = residual({ branch: [relu(), conv2d({ channels: 2, kernel: 3 })] })
  const before = network({ input, layers: { stem, unit, stage: repeat(2, relu()), head } })
  const others: readonly (readonly [now: Network, text: string])[] = [
    [network({ input: { ...input, height: 5 }, layers: before.layers }), 'input.height: 4 before, 5 now'],
    [network({ input, layers: { stem, unit, stage: repeat(3, relu()), head } }), 'layers.stage.count: 2 before, 3 now'],
    [network({ input, layers: { stem, unit, stage: repeat(2, dropout({ rate: 0.5 })), head } }), 'layers.stage.layer: relu before, dropout now'],
    [network({ input, layers: { stem, unit, stage: relu(), head } }), 'layers.stage: repeat before, relu now'],
    [network({ input, layers: { stem, stage: repeat(2, relu()), head } }), 'layers[1]: unit (residual) before, stage (repeat) now'],
    [network({ input, layers: { stem, unit, stage: repeat(2, relu()), head, last: relu() } }), 'layers[4]: none before, last (relu) now'],
    [
      network({ input, layers: { stem, unit: residual({ branch: [relu(), conv2d({ channels: 2, kernel: 3, bias: true })] }), head } }),
      'layers.unit.branch.conv1.bias: false before, true now',
    ],
    [
      network({ input, layers: { stem, unit: residual({ branch: unit.branch, shortcut: optionA({ channels: 2 }) }), head } }),
      'layers.unit.shortcut: identity before, layers now',
    ],
  ]
  const recipeOfNetwork = (net: Network) => recipeOf(planFit(net, least), session, prepare)
  for (const [now, text] of others)
    t.deepEqual(differences(stored(recipeOfNetwork(before)), recipeOfNetwork(now)), [`network: "network" before, "network" now (${text})`])
  // The repetition of blocks has no name of its own.
  const [shallow, deep] = [8, 14].map((depth) => preResNet({ family: 'cifar', depth }))
  t.is(networkDifference(shallow, deep), 'layers.stages.0.blocks[1]: none before, repeat now')
  const renamed = network({ name: 'other', input, layers: before.layers })
  t.deepEqual(differences(stored(recipeOfNetwork(before)), recipeOfNetwork(renamed)), ['network: "network" before, "other" now'])
})

test('another normalization and other steps of preparation are told, each by itself', (t) => {
  const normalization = { mean: [0.9], std: [0.01] }
  t.deepEqual(differences(stored(usual), recipeWith({}, session, { ...prepare, normalization })), [
    'prepare.normalization: {"mean":[0.1],"std":[0.3]} before, {"mean":[0.9],"std":[0.01]} now',
  ])
  t.deepEqual(differences(stored(usual), recipeWith({}, session, { ...prepare, train: [flip()] })), [
    'prepare.train: [{"kind":"randomCrop","pad":2}] before, [{"kind":"flip"}] now',
  ])
})

test('a key that is absent means its default', (t) => {
  for (const { path, value, given } of decided) {
    const [key, inner] = path.split('.') as [keyof Recipe, string?]
    const fallback = inner === undefined ? (fitTable as Table)[key]!.fallback : (fitTable as Table)[key]!.table![inner]!.fallback
    if (fallback === undefined || key === 'batch') continue // Two images a step are not the default.
    const { [key]: _, ...without } = stored(usual)
    t.deepEqual(differences(without as Recipe, usual), [], path)
    t.regex(differences(without as Recipe, recipeWith(given)).join('; '), /before, .* now/, `${path} ${String(value)}`)
  }
  const { clipNorm: _, ...earlier } = stored(usual).optimizer
  t.deepEqual(differences({ ...stored(usual), optimizer: earlier } as Recipe, usual), [], 'within an option too')
})

test('a key that only the checkpoint has is compared too', (t) => {
  t.deepEqual(differences({ ...stored(usual), unheard: 0.2 } as Recipe, usual), ['unheard: 0.2 before, none now'])
})

test('the order of keys means nothing, and data are what they hold', (t) => {
  const { momentum, ...rest } = sgd()
  t.deepEqual(differences({ ...usual, optimizer: { ...rest, momentum } }, usual), [])
  const { name, length, fingerprint } = train
  const short = fingerprint.slice(0, 12)
  t.deepEqual(differences({ ...usual, train: { name: '/else/where/', length, fingerprint } }, usual), [], 'the same images may be called by another path')
  t.deepEqual(differences({ ...usual, train: { name, length: 41, fingerprint } }, usual), [
    `train: made (41 images, fingerprint ${short}) before, made (4 images, fingerprint ${short}) now`,
  ])
})

test('other milestones come with the option that gives the former ones', (t) => {
  const steps = (...milestones: number[]): Recipe => recipeWith({ learningRate: multiStep({ base: 0.1, milestones }) })
  t.deepEqual(differences(stored(steps(2500, 3750)), steps(3000, 4500)), [
    'learningRate: milestones 2500,3750 before, 3000,4500 now; to go on at the rates of before pass the same ones (--milestones 2500,3750)',
  ])
  t.regex(differences(steps(), steps(3000))[0]!, /milestones none before, 3000 now; .*\(--milestones none\)/)
  const [both] = differences(steps(2500), recipeWith({ learningRate: multiStep({ base: 0.2, milestones: [3000] }) }))
  t.regex(both!, /^learningRate: \{"base":0\.1,.* before, \{"base":0\.2,.* now$/)
})

test('a longer run under a schedule of its length is told both lengths, and goes on under the former one', (t) => {
  const of = (epochs: number, learningRate: Schedule) => recipeOf(planFit(net, { train, batch: 2, epochs, learningRate }), session, prepare)
  const following = cosine({ base: 0.1, warmup: { epochs: 1 } })
  t.deepEqual(differences(stored(of(4, following)), of(8, following)), [
    'learningRate: steps 8 before, 16 now; to go on at the rates of before pass the same ones (--schedule-steps 8)',
  ])
  t.deepEqual(differences(stored(of(4, following)), of(8, cosine({ base: 0.1, steps: 8, warmup: { epochs: 1 } }))), [])
  const cycle = oneCycle({ peak: 1, warmup: { fraction: 0.5 } })
  t.deepEqual(differences(stored(of(4, cycle)), of(8, cycle)), [
    'learningRate: steps 8 before, 16 now; to go on at the rates of before pass the same ones (--schedule-steps 8)',
  ])
  const halves = cosine({ base: 0.1, warmup: { fraction: 0.5, rate: 0.01 } })
  t.deepEqual(differences(stored(of(4, halves)), of(8, halves)), [
    'learningRate: steps 8 before, 16 now, warmup {"rate":0.01,"steps":4} before, {"rate":0.01,"steps":8} now; to go on at the rates of before pass the same ones (--schedule-steps 8)',
  ])
  const epochs = multiStep({ base: 0.1, milestones: { epochs: [1, 3] }, warmup: { epochs: 0.5, rate: 0.01 } })
  t.deepEqual(differences(stored(of(4, epochs)), of(8, epochs)), [], 'epochs do not follow the length')
  const within = linearWarmup({ steps: 2, then: cosine({ base: 0.1 }) })
  t.regex(differences(stored(of(4, within)), of(8, within)).join(), /^learningRate: .*"steps":8.* before, .*"steps":16.* now$/)
})
