/** What checkpoints of another version may lack, and what they may not have. */
import test from 'ava'
import { centerCrop, memoryDataset, randomCrop, resize, type CompletePreparation } from '../../lib/data/index.js'
import type { PreresnetError } from '../../lib/errors.js'
import {
  averagePool,
  batchNorm,
  classifierHead,
  conv2d,
  dropout,
  gate,
  maxPool,
  network,
  relu,
  repeat,
  residual,
  scale,
  sequential,
} from '../../lib/layers/index.js'
import { planFit } from '../../lib/training/fit_options.js'
import { differences, recipeOf, type Recipe } from '../../lib/training/recipe.js'
import { readRecipe } from '../../lib/training/recipe_formats.js'
import type { Schedule } from '../../lib/training/schedule.js'
import { cosine, linearWarmup, multiStep, oneCycle, poly } from '../../lib/training/schedules.js'

const input = { height: 8, width: 8, channels: 1 }
const train = await memoryDataset({ name: 'made', images: new Uint8Array(256), labels: [0, 1, 0, 1], ...input, classes: 2 })
/** A layer of each kind that has properties with defaults, all of which have them. */
const net = network({
  input,
  layers: {
    stem: conv2d({ channels: 2, kernel: 3 }),
    norm: batchNorm(),
    unit: residual({ branch: [relu(), conv2d({ channels: 2, kernel: 3 })] }),
    gated: residual({ branch: [conv2d({ channels: 2, kernel: 3 })], shortcut: gate({ kind: 'exclusive' }) }),
    stage: repeat(2, dropout({ rate: 0.5 })),
    pools: sequential([maxPool({ kernel: 2 }), averagePool({ kernel: 2 })]),
    scale: scale({ factor: 2 }),
    head: classifierHead({ classes: 2 }),
  },
})
const prepare: CompletePreparation = {
  train: [resize(9), randomCrop({ pad: 2 })],
  evaluate: [resize(9), centerCrop()],
  normalization: { mean: [0.1], std: [0.3] },
}
const plan = (learningRate: Schedule) => planFit(net, { train, batch: 2, steps: 8, learningRate })
const recipe = (learningRate: Schedule): Recipe => recipeOf(plan(learningRate), { device: 'cpu', precision: 'fp32', choices: undefined }, prepare)
const usual = multiStep({ base: 0.1, milestones: [4] })

type Data = Record<string, unknown>
/** As state.json gives it back. */
const stored = (of: Recipe) => JSON.parse(JSON.stringify(of)) as Data
const read = (data: object, rate = usual): Promise<Recipe> => readRecipe({ format: 2, recipe: data }, 'runs/step-8', plan(rate), new AbortController().signal)

/** Copies of `data`, each without one property of one object of a kind, by `kind.property`. */
function* lacking(data: Data): Generator<readonly [what: string, data: Data]> {
  const positions: Data[] = []
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('kind' in value) positions.push(value)
    Object.values(value).forEach(collect)
  }
  collect(data)
  for (const position of positions) {
    for (const [key, value] of Object.entries(position)) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
      delete position[key]
      yield [`${String(position['kind'])}.${key}`, structuredClone(data)]
      position[key] = value
    }
  }
}

/** Those without which the recipe is still the one of `rate`. */
async function dispensable(part: string, rate = usual): Promise<string[]> {
  const found = new Set<string>()
  const { [part]: whole, ...rest } = stored(recipe(rate))
  for (const [what, data] of lacking(whole as Data)) {
    try {
      if (differences(await read({ ...rest, [part]: data }, rate), recipe(rate)).length === 0) found.add(what)
    } catch (error) {
      if ((error as PreresnetError).code !== 'ERR_CHECKPOINT') throw error
    }
  }
  return [...found].sort()
}

test("a layer's property that is absent means its default", async (t) => {
  t.deepEqual(await dispensable('network'), [
    'averagePool.padding',
    'averagePool.stride',
    'batchNorm.epsilon',
    'batchNorm.momentum',
    'conv2d.bias',
    'conv2d.biasInit',
    'conv2d.padding',
    'conv2d.stride',
    'gate.biasInit',
    'linear.bias',
    'maxPool.padding',
    'maxPool.stride',
    'network.name',
    'repeat.from',
    'residual.activation',
    'residual.after',
    'residual.branchScale',
    'residual.shortcut',
  ])
})

for (const [rate, properties] of [
  [usual, ['multiStep.factor']],
  [cosine({ base: 0.1, steps: 8 }), ['cosine.final']],
  [linearWarmup({ steps: 2, then: poly({ base: 0.1, steps: 8 }) }), ['linearWarmup.start', 'poly.final', 'poly.power']],
  [oneCycle({ peak: 0.1, steps: 8 }), ['oneCycle.final', 'oneCycle.start', 'oneCycle.warmup']],
] as const) {
  test(`a property of ${rate.kind} that is absent means its default`, async (t) => {
    t.deepEqual(await dispensable('learningRate', rate), properties)
  })
}

test("a step's property that is absent means its default, and so does one that says it", async (t) => {
  const said = { kind: 'resize', size: 9, unlessFitting: false }
  const { train: steps, evaluate, normalization } = prepare
  const changed = (first: object) => ({ ...stored(recipe(usual)), prepare: { train: [first, steps[1]], evaluate, normalization } })
  t.deepEqual(differences(await read(changed(said)), recipe(usual)), [])
  t.regex(differences(await read(changed({ ...said, unlessFitting: true })), recipe(usual)).join(), /^prepare\.train: .* before, .* now$/)
})

test('another value than the default is a difference', async (t) => {
  const data = stored(recipe(multiStep({ base: 0.1, milestones: [4], factor: 0.5 })))
  t.regex(differences(await read(data), recipe(usual)).join(), /^learningRate: .*"factor":0\.5.* before, .*"factor":0\.1.* now$/)
})

test('what no function of today makes is refused, and named', async (t) => {
  const data = stored(recipe(usual))
  const refused = async (more: Data, message: RegExp): Promise<void> => {
    await t.throwsAsync(read({ ...data, ...more }), { code: 'ERR_CHECKPOINT', message })
  }
  await refused(
    { learningRate: { ...(data['learningRate'] as Data), restarts: 2 } },
    /^runs\/step-8: the recipe: multiStep: .*restarts.*; the checkpoint is damaged, or/,
  )
  await refused({ learningRate: { kind: 'stairs' } }, /the recipe: schedule: kind: expected .*"stairs"/)
  await refused({ network: { ...(data['network'] as Data), layers: { kind: 'mixer' } } }, /the recipe: network: kind: expected .*"mixer"/)
  await refused({ prepare: { train: [{ kind: 'mixup' }] } }, /the recipe: prepare\.train\[0\]: kind: expected .*"mixup"/)
  await refused({ network: undefined }, /the recipe: network: expected an object, got undefined/)
})
