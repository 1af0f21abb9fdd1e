/** Run folders that commit 6dff5b2 wrote, in checkpoint format 1: see test/fixtures/format-1/make.mjs. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import {
  centerCrop,
  digits,
  flip,
  imageFolderSplits,
  randomCrop,
  resize,
  type CacheChoice,
  type DataSplit,
  type Preparation,
  type PreparationStep,
} from '../../lib/data/index.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { Classifier } from '../../lib/inference/index.js'
import { batchNorm, classifierHead, conv2d, network, relu, residual, type Network } from '../../lib/layers/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { describeModel } from '../../lib/runtime/model_file.js'
import { cosine, fit, type FitOptions, type FitSettings, linearWarmup, multiStep, oneCycle, sgd } from '../../lib/training/index.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { temporaryDirectory } from '../formats/directory.js'

const fixtures = fileURLToPath(new URL('../../../test/fixtures/format-1', import.meta.url))

function small({ side, channels, classes }: { readonly side: number; readonly channels: number; readonly classes: number }): Network {
  return network({
    name: 'small',
    input: { height: side, width: side, channels },
    layers: {
      stem: conv2d({ channels: 4, kernel: 3, stride: 2 }),
      unit: residual({ branch: [batchNorm(), relu(), conv2d({ channels: 4, kernel: 3 })] }),
      norm: [batchNorm(), relu()],
      head: classifierHead({ classes }),
    },
  })
}

interface Case {
  readonly name: string
  readonly net: Network
  readonly data: () => Promise<DataSplit>
  readonly prepare: Preparation
  readonly cache?: CacheChoice
}

const folder = small({ side: 12, channels: 3, classes: 2 })
const random = [randomCrop({ pad: 2 }), flip()]
const prepared = (...evaluate: readonly PreparationStep[]): Preparation => ({ train: [...evaluate, ...random], evaluate })
const resized = prepared(resize(14), centerCrop())
const cases: readonly Case[] = [
  { name: 'digits-run', net: small({ side: 28, channels: 1, classes: 10 }), data: digits, prepare: { train: [randomCrop({ pad: 2 })] } },
  { name: 'cached-run', net: folder, data: () => imageFolderSplits(join(fixtures, 'images')), prepare: resized, cache: 'memory' },
  { name: 'files-run', net: folder, data: () => imageFolderSplits(join(fixtures, 'images')), prepare: resized, cache: 'files' },
  { name: 'fitting-run', net: folder, data: () => imageFolderSplits(join(fixtures, 'fitting')), prepare: prepared(), cache: 'memory' },
]

/** What make.mjs trained with. */
async function options({ data, prepare, cache }: Case, directory: string): Promise<FitOptions> {
  const { train, test: validate } = await data()
  return {
    train,
    validate,
    prepare,
    ...(cache && { cache }),
    batch: 4,
    steps: 10,
    seed: 3,
    threads: 1,
    device: 'cpu',
    precision: 'fp32',
    optimizer: sgd({ nesterov: true, weightDecay: 1e-3 }),
    learningRate: multiStep({ base: 0.05, milestones: [5, 8] }),
    logEvery: 2,
    validateEvery: 3,
    checkpoint: { directory, resume: true },
  }
}

async function copyOf(t: ExecutionContext, name: string): Promise<string> {
  const directory = join(await temporaryDirectory(t), 'run')
  await cp(join(fixtures, name), directory, { recursive: true })
  return directory
}

for (const given of cases) {
  test(`${given.name} resumes and ends where the code that wrote it ended`, async (t) => {
    const directory = await copyOf(t, given.name)
    const trained = await fit(given.net, await options(given, directory)).finished
    t.like(trained, { step: 10, outcome: 'completed' })
    const { tensors } = await readSafetensors(join(fixtures, given.name, 'continued.safetensors'))
    t.deepEqual([...trained.tensors.keys()].sort(), [...tensors.keys()].sort())
    for (const [name, { data }] of tensors) {
      // Another processor may round otherwise.
      const distance = Math.max(...Array.from(data as Float32Array, (value, index) => Math.abs(value - (trained.tensors.get(name)!.data[index] as number))))
      t.true(distance < 1e-4, `${name}: ${distance}`)
    }
    t.is((await listCheckpoints(directory)).at(-1)!.step, 10)
  })

  test(`${given.name}: its model loads, into a session and a classifier`, async (t) => {
    const path = join(fixtures, given.name, 'model.safetensors')
    const { test: images } = await given.data()
    await using session = await compile(given.net, { data: images, prepare: (await describeModel(path)).prepare!, batch: 3, threads: 1, precision: 'fp32' })
    await session.load(path)
    const lines = (await readFile(join(fixtures, given.name, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n')
    const last = lines.map((line) => JSON.parse(line) as { kind: string; step: number; top1Error: number }).findLast(({ kind }) => kind === 'validation')!
    t.is(last.step, 6)
    t.is((await session.evaluate(images)).top1Error, last.top1Error)
    await using classes = await Classifier.load(path, { threads: 1, top: 1 })
    const [best] = await classes.classify(await readFile(join(fixtures, 'images/test/left/0.png')))
    t.true(best!.probability > 0)
  })
}

test('properties that 6dff5b2 did not know had their defaults', async (t) => {
  const given = cases.find(({ name }) => name === 'digits-run')!
  const directory = await copyOf(t, given.name)
  const path = join((await listCheckpoints(directory)).at(-1)!.path, 'state.json')
  const text = await readFile(path, 'utf8')
  const unknown = ['biasInit', 'factor', 'clipNorm', 'frozen']
  for (const key of unknown) t.true(text.includes(`"${key}"`), key)
  const earlier = JSON.stringify(JSON.parse(text, (key, value: unknown) => (unknown.includes(key) ? undefined : value)))
  await writeFile(path, earlier)
  t.is((await fit(given.net, await options(given, directory)).finished).step, 10)
})

test('schedules of 6dff5b2 had other names for the warm-up', async (t) => {
  const given = cases.find(({ name }) => name === 'digits-run')!
  const cycle = { kind: 'oneCycle', peak: 0.1, steps: 10, climb: 0.2, start: 0.01, final: 0.001 }
  for (const [before, learningRate] of [
    [{ kind: 'cosine', base: 0.1, steps: 10, final: 0.01, warmupSteps: 2 }, cosine({ base: 0.1, final: 0.01, warmup: 2 })],
    [{ kind: 'cosine', base: 0.1, steps: 10, final: 0, warmupSteps: 0 }, cosine({ base: 0.1 })],
    [
      { kind: 'linearWarmup', steps: 2, start: 0, then: cycle },
      linearWarmup({ steps: 2, then: oneCycle({ peak: 0.1, warmup: { fraction: 0.2 }, start: 0.01, final: 0.001 }) }),
    ],
  ] as const) {
    const directory = await copyOf(t, given.name)
    const path = join((await listCheckpoints(directory)).at(-1)!.path, 'state.json')
    const state = JSON.parse(await readFile(path, 'utf8')) as { recipe: object }
    await writeFile(path, JSON.stringify({ ...state, recipe: { ...state.recipe, learningRate: before } }))
    t.is((await fit(given.net, { ...(await options(given, directory)), learningRate }).finished).step, 10, before.kind)
    const stale = fit(given.net, { ...(await options(given, directory)), learningRate: cosine({ base: 0.1, warmup: 3 }) })
    await t.throwsAsync(stale.finished, { code: 'ERR_CHECKPOINT', message: /learningRate: / })
  }
})

/** Each with what is said of it. The recipe of make.mjs goes before. */
const others: readonly (readonly [what: string, more: Partial<FitSettings>, message: RegExp])[] = [
  [
    'normalization',
    { prepare: { ...resized, normalization: { mean: [0.9, 0.9, 0.9], std: [0.01, 0.01, 0.01] } } },
    /prepare\.normalization: \{"mean":\[0\.\d+,.* before, \{"mean":\[0\.9,0\.9,0\.9\],"std":\[0\.01,0\.01,0\.01\]\} now/,
  ],
  [
    'random crop',
    { prepare: { ...resized, train: [resize(14), centerCrop(), randomCrop({ pad: 3 }), flip()] } },
    /prepare\.train: \[.*\{"kind":"randomCrop","pad":2\}.*\] before, \[.*\{"kind":"randomCrop","pad":3\}.*\] now/,
  ],
  ['size before the crop', { prepare: prepared(resize(13), centerCrop()) }, /prepare\.evaluate: .*"size":14.* before, .*"size":13.* now/],
  ['integer', { seed: 4 }, /seed: 3 before, 4 now/],
  ['number', { labelSmoothing: 0.1 }, /labelSmoothing: 0 before, 0\.1 now/],
  ['choice', { convolution: 'direct' }, /convolution: "auto" before, "direct" now/],
  ['list of names', { frozen: ['stem'] }, /frozen: \[\] before, \["stem"\] now/],
  ['optimizer', { optimizer: sgd() }, /optimizer: \{.*"weightDecay":0\.001\} before, .*"weightDecay":0\.0001\} now/],
  ['schedule', { learningRate: 0.05 }, /learningRate: .*"kind":"multiStep".* before, .*"kind":"constant".* now/],
]
for (const name of ['cached-run', 'files-run']) {
  test(`${name} does not go on with another recipe`, async (t) => {
    const given = cases.find((one) => one.name === name)!
    const directory = await copyOf(t, name)
    for (const [what, more, message] of others) {
      const run = fit(given.net, { ...(await options(given, directory)), ...more })
      await t.throwsAsync(run.finished, { code: 'ERR_CHECKPOINT', message }, what)
    }
    const { train, ...rest } = await options(given, directory)
    const labels = train.labels.map((label) => 1 - label)
    const exchanged = { ...train, labels, fingerprint: train.fingerprint.replace(/^./, 'x') }
    await t.throwsAsync(fit(given.net, { ...rest, train: exchanged }).finished, { code: 'ERR_CHECKPOINT', message: /train: .* before, .* now/ })
  })
}
