/** Published recipes: every flag of theirs is one of `train` and within its limits, and what is given beside a preset wins. */
import test from 'ava'
import { resolveOptions } from '../../lib/cli/config.js'
import { flagsOfPreset, type Preset, presetNames, presets } from '../../lib/cli/presets.js'
import { optimizerOf } from '../../lib/cli/optimizer.js'
import { scheduleOf } from '../../lib/cli/learning_rate.js'
import { train } from '../../lib/cli/train.js'
import { adamW, lamb } from '../../lib/training/optimizers.js'
import { cosine, multiStep } from '../../lib/training/schedules.js'
import { sgd } from '../../lib/training/sgd.js'

const models = { cifar: 'preresnet-110', imagenet: 'preresnet-50' } as const
const resolved = (given: Readonly<Record<string, string | true>>) => resolveOptions(train.options, given, flagsOfPreset)

test('every preset names its source, and its flags are those of train', async (t) => {
  t.deepEqual(presetNames, ['paper', 'facebook', 'torchvision-v1', 'torchvision-v2', 'timm-a2'])
  for (const name of presetNames) {
    const { source, recipes }: Preset = presets[name]
    t.true(source.length > 10)
    for (const [family, recipe] of Object.entries(recipes)) {
      for (const [key, value] of Object.entries(recipe.flags)) {
        const option = (train.options as Readonly<Record<string, { read(where: string, value: unknown): unknown }>>)[key]
        t.truthy(option, `${name}: ${key}`)
        t.notThrows(() => option!.read(key, value), `${name}: ${key}`)
      }
      const values = await resolved({ preset: name, model: models[family as keyof typeof models] })
      t.notThrows(() => [optimizerOf(values), scheduleOf(values)])
    }
  }
})

test('the optimizers and schedules that presets come to', async (t) => {
  const paper = await resolved({ preset: 'paper', model: 'preresnet-110' })
  t.deepEqual(optimizerOf(paper), sgd())
  const published = multiStep({ base: 0.1, milestones: [32_000, 48_000], warmup: { steps: 400, rate: 0.01 } })
  t.deepEqual(JSON.stringify(scheduleOf(paper)), JSON.stringify(published))
  t.deepEqual([paper.steps, paper.batch, paper.statisticsGroups, paper.epochs], [64_000, 128, 2, undefined])
  const facebook = await resolved({ preset: 'facebook', model: 'preresnet-110' })
  const rates = scheduleOf(facebook).resolve({ steps: 164 * 390, stepsPerEpoch: 390 })
  // Its epochs 81 and 122, counted from 1, are the first ones of the lower rates.
  t.deepEqual(
    [80 * 390 - 1, 80 * 390, 121 * 390 - 1, 121 * 390].map((step) => Number(rates.at(step).toPrecision(6))),
    [0.1, 0.01, 0.01, 0.001],
  )
  const a2 = await resolved({ preset: 'timm-a2', model: 'preresnet-50' })
  t.deepEqual(optimizerOf(a2), lamb({ weightDecay: 0.02, excludeFromDecay: 'norm-and-bias' }))
  t.deepEqual(JSON.stringify(scheduleOf(a2)), JSON.stringify(cosine({ base: 5e-3, final: 1e-6, warmup: { epochs: 5 } })))
  const v2 = await resolved({ preset: 'torchvision-v2', model: 'preresnet-50' })
  t.true(Math.abs((v2 as unknown as { emaDecay: number }).emaDecay - 0.998_907_733) < 1e-8)
})

test('what is given beside a preset wins, also by another flag for the same', async (t) => {
  const given = {
    preset: 'paper',
    model: 'preresnet-110',
    epochs: '3',
    batch: '64',
    milestoneEpochs: '1,2',
    learningRate: '0.05',
    randomResizedCrop: true,
  } as const
  const { steps, epochs, batch, milestones, learningRate, momentum, pad } = await resolved(given)
  t.deepEqual([steps, epochs, batch, milestones, learningRate, momentum, pad], [undefined, 3, 64, undefined, 0.05, 0.9, undefined])
  const plain = await resolved({ model: 'preresnet-110' })
  t.deepEqual([plain.steps, plain.batch, plain.statisticsGroups], [undefined, 128, 1])
})

test('a choice that is given takes away what the preset says of its own choice alone', async (t) => {
  const falling = await resolved({ preset: 'paper', model: 'preresnet-110', schedule: 'cosine' })
  t.deepEqual(JSON.stringify(scheduleOf(falling)), JSON.stringify(cosine({ base: 0.1, warmup: { steps: 400, rate: 0.01 } })))
  const adam = await resolved({ preset: 'facebook', model: 'preresnet-110', optimizer: 'adamw' })
  t.deepEqual(optimizerOf(adam), adamW({ weightDecay: 1e-4 }))
  const entropy = await resolved({ preset: 'timm-a2', model: 'preresnet-50', loss: 'cross-entropy' })
  t.deepEqual([entropy.loss, entropy.targetThreshold, entropy.stochasticDepth], ['cross-entropy', undefined, 0.05])
  const same = await resolved({ preset: 'timm-a2', model: 'preresnet-50', loss: 'binary-cross-entropy', optimizer: 'lamb', schedule: 'cosine' })
  t.deepEqual(same, { ...(await resolved({ preset: 'timm-a2', model: 'preresnet-50' })) })
})

test('refused: a preset without a recipe for the network', async (t) => {
  await t.throwsAsync(resolved({ preset: 'timm-a2', model: 'preresnet-110' }), {
    code: 'ERR_OPTION',
    message: /expected a network of family imagenet .*, got cifar/,
  })
  await t.throwsAsync(resolved({ preset: 'paper' }), { code: 'ERR_OPTION', message: /family cifar or imagenet .*, got none/ })
})

test("a given augmentation of its kind replaces the preset's", async (t) => {
  const v2 = await resolved({ preset: 'torchvision-v2', model: 'preresnet-50' })
  t.deepEqual([v2.trivialAugment, v2.randAugment, v2.randomErasing, v2.erasingColor], [true, undefined, 0.1, [124, 116, 104]])
  const other = await resolved({ preset: 'torchvision-v2', model: 'preresnet-50', randAugment: '2,9' })
  t.deepEqual([other.trivialAugment, other.randAugment], [false, [2, 9]])
  const a2 = await resolved({ preset: 'timm-a2', model: 'preresnet-50' })
  t.deepEqual([a2.trivialAugment, a2.randAugment], [false, [2, 21]])
  t.deepEqual([v2.mixup, v2.cutmix, v2.repeatedAugmentation], [0.2, 1, 4])
  t.deepEqual([a2.mixup, a2.cutmix, a2.repeatedAugmentation], [0.1, 1, 3])
  const facebook = await resolved({ preset: 'facebook', model: 'preresnet-50' })
  t.deepEqual([facebook.colorJitter, facebook.lighting], [[0.4, 0.4, 0.4], 0.1])
  t.is((await resolved({ preset: 'paper', model: 'preresnet-50' })).lighting, 0.1)
})
