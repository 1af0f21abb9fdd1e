/** Every option of the tables: what it refuses, and how; what it says of itself, and where. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { commands } from '../../lib/cli/commands.js'
import { optionName, resolveOptions } from '../../lib/cli/config.js'
import { train } from '../../lib/cli/train.js'
import { cacheInMemory, loader, memoryDataset } from '../../lib/data/index.js'
import { cacheOptions, loaderOptions } from '../../lib/data/options.js'
import { Classifier } from '../../lib/inference/index.js'
import { classifierTable } from '../../lib/inference/options.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { describe } from '../../lib/options/values.js'
import type { Option, Table } from '../../lib/options/spec.js'
import { compile } from '../../lib/runtime/compile.js'
import { sessionTable, type BatchSize, type SessionOptions } from '../../lib/runtime/session_options.js'
import { fitTable, planFit, type FitOptions } from '../../lib/training/fit_options.js'
import { constantOptions, cosineOptions, linearWarmupOptions, multiStepOptions, oneCycleOptions, polyOptions } from '../../lib/training/schedule_options.js'
import { constant, cosine, linearWarmup, multiStep, oneCycle, poly } from '../../lib/training/schedules.js'
import { adamW, adamWTable, lamb, lambTable, lars, larsTable } from '../../lib/training/optimizers.js'
import { sgd, sgdTable } from '../../lib/training/sgd.js'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/options.md'), 'utf8')
const folder = await mkdtemp(join(tmpdir(), 'preresnet-options-'))
test.after.always(() => rm(folder, { recursive: true, force: true }))

const input = { height: 4, width: 4, channels: 1 }
const net = network({ input, layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 2 }) } })
const images = await memoryDataset({ images: new Uint8Array(64), labels: [0, 1, 0, 1], ...input, classes: 2 })
const least = { train: images, batch: 2, learningRate: 0.1 }

/** Values that an option must refuse, the limits' neighbors among them. */
function outside({ limits, accepts }: Option): readonly unknown[] {
  if (limits === undefined) return [/true|string/.test(accepts) ? 3 : 'none of them']
  const { minimum, maximum, above, below } = limits
  const away = (bound: number) => (accepts.startsWith('an integer') ? 1 : Math.max(2 ** -70, Math.abs(bound) * 2 ** -52))
  return [above === true ? minimum : minimum - away(minimum), maximum === undefined ? Infinity : below === true ? maximum : maximum + away(maximum), 'many']
}

interface Path {
  /** In code: `cuda.index`. */
  readonly path: string
  readonly key: string
  readonly option: Option
  /** Options that hold a value of this one and are right otherwise. */
  readonly holding: (value: unknown) => Record<string, unknown>
}

/** What stands beside a wrong value within an option, so that nothing else is missing. */
const beside: Readonly<Record<string, object>> = {
  checkpoint: { directory: 'runs' },
  initialize: { from: 'model' },
  ema: { decay: 0.9 },
  evaluationInput: { height: 8, width: 8 },
}

function pathsOf(table: Table): Path[] {
  return Object.entries(table).flatMap(([key, option]) => [
    { path: key, key, option, holding: (value: unknown) => ({ [key]: value }) },
    ...pathsOf(option.table ?? {}).map((inner) => ({
      ...inner,
      path: `${key}.${inner.path}`,
      holding: (value: unknown) => ({ [key]: { ...beside[key], ...inner.holding(value) } }),
    })),
  ])
}

const inFit = pathsOf(fitTable)
const refusal = (where: string, { accepts }: Option, value: unknown) => `${where}: expected ${accepts}, got ${describe(value)}`
const matching = (text: string) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)

for (const { path, option, holding } of inFit) {
  test(`fit refuses what is outside of ${path}`, (t) => {
    for (const value of outside(option)) {
      const options = { ...least, ...(path === 'epochs' ? {} : { steps: 1 }), ...holding(value) } as unknown as FitOptions
      t.throws(() => planFit(net, options), { code: 'ERR_OPTION', message: matching(refusal(`fit: ${path}`, option, value)) }, String(value))
    }
  })
}

for (const { path, option, holding } of pathsOf(sessionTable)) {
  test(`compile refuses what is outside of ${path}`, async (t) => {
    for (const value of outside(option)) {
      const options = { batch: 2, ...holding(value) } as unknown as SessionOptions & BatchSize
      await t.throwsAsync(compile(net, options), { code: 'ERR_OPTION', message: matching(refusal(`compile: ${path}`, option, value)) }, String(value))
    }
  })
}

const optimizers = { sgd: [sgd, sgdTable], adamW: [adamW, adamWTable], lamb: [lamb, lambTable], lars: [lars, larsTable] } as const
for (const [name, [make, table]] of Object.entries(optimizers)) {
  for (const [key, option] of Object.entries<Option>(table)) {
    test(`${name} refuses what is outside of ${key}`, (t) => {
      for (const value of outside(option)) {
        t.throws(() => make({ [key]: value }), { code: 'ERR_OPTION', message: matching(refusal(`${name}: ${key}`, option, value)) })
      }
    })
  }
}

const others: readonly (readonly [name: string, table: Table, call: (options: never) => unknown, beside: object])[] = [
  ['Classifier.load', classifierTable, (options) => Classifier.load('nowhere', options), {}],
  ['loader', loaderOptions, (options) => loader(images, options), { batch: 2 }],
  ['cacheInMemory', cacheOptions, (options) => cacheInMemory(images, options), { input }],
  ['constant', constantOptions, constant, { rate: 1 }],
  ['multiStep', multiStepOptions, multiStep, { base: 1, milestones: [] }],
  ['cosine', cosineOptions, cosine, { base: 1, steps: 5 }],
  ['linearWarmup', linearWarmupOptions, linearWarmup, { steps: 5, then: constant({ rate: 1 }) }],
  ['oneCycle', oneCycleOptions, oneCycle, { peak: 1, steps: 5 }],
  ['poly', polyOptions, poly, { base: 1, steps: 5 }],
]

for (const [name, table, call, beside] of others) {
  for (const { path, option, holding } of pathsOf(table)) {
    test(`${name} refuses what is outside of ${path}`, async (t) => {
      for (const value of outside(option)) {
        const options = { ...beside, ...holding(value) } as never
        const error = await t.throwsAsync(async () => call(options), { code: 'ERR_OPTION' }, String(value))
        // A value of several parts says which is wrong.
        if (path !== 'input') t.is(error.message, refusal(`${name}: ${path}`, option, value))
        else t.regex(error.message, /input/)
      }
    })
  }
}

test('a warm-up refuses what is outside', (t) => {
  const warm = (warmup: object) => () => multiStep({ base: 1, milestones: [], warmup: warmup as never })
  t.throws(warm({ steps: -1, rate: 1 }), { code: 'ERR_OPTION', message: /^multiStep: warmup\.steps: expected an integer of at least 0, got -1/ })
  t.throws(warm({ steps: 1, rate: -1 }), { code: 'ERR_OPTION', message: /^multiStep: warmup\.rate: expected a number of at least 0, got -1/ })
  t.throws(warm({ rate: 1 }), { code: 'ERR_OPTION', message: /^multiStep: warmup: expected one of steps, epochs, fraction, got \{"rate":1\}/ })
  t.throws(warm({ step: 1 }), { code: 'ERR_OPTION', message: /^multiStep: warmup: unknown option "step"; did you mean "steps"/ })
})

for (const { name, options } of commands) {
  for (const [key, option] of Object.entries(options)) {
    test(`${name} --${optionName(key)} refuses the same on the command line and in a file`, async (t) => {
      for (const value of outside(option)) {
        const flag = `--${optionName(key)}`
        // A word has no type; what no text can be is left to the file.
        if (typeof value === 'number' && Number.isFinite(value) && option.limits !== undefined)
          await t.throwsAsync(resolveOptions(options, { [key]: String(value) }), { code: 'ERR_OPTION', message: matching(refusal(flag, option, value)) })
        if (value === Infinity) continue // JSON has no such number.
        const config = join(folder, `${name}-${key}.json`)
        await writeFile(config, JSON.stringify({ [optionName(key)]: value }))
        const message = matching(refusal(`${config}: ${optionName(key)}`, option, value))
        await t.throwsAsync(resolveOptions(options, { config }), { code: 'ERR_OPTION', message })
      }
    })
  }
}

test('every option of fit that the command line can say is a flag of train', (t) => {
  const flags = Object.keys(train.options)
  for (const { key, option } of inFit) if (option.flag !== null) t.true(flags.includes(option.flag.name ?? key), key)
})

test('every option says what it is, every number what it counts', (t) => {
  const all = [...inFit.map(({ path, option }) => [path, option] as const), ...commands.flatMap(({ options }) => Object.entries(options))]
  t.true(all.length > 100)
  const noQuantity = ['seed', 'cuda.index', 'cudaIndex', 'arch', 'logRank']
  for (const [name, { help, unit, accepts }] of all) {
    t.regex(help, /^['a-zA-Z].*[^.]$/, name)
    if (/integer|number/.test(accepts) && name !== 'learningRate') t.is(unit === null, noQuantity.includes(name), name)
  }
})

test('an option is written the same wherever it stands', (t) => {
  for (const { name, options } of commands) {
    for (const { key, option } of inFit) {
      const flag = options[option.flag?.name ?? key]
      if (option.flag === null || flag === undefined || (name === 'goldens' && key === 'device')) continue
      // The library that weights are from, as importWeights has it.
      if (name === 'import' && key === 'from') continue
      t.is(flag.accepts, option.accepts, `${name}: ${key}`)
      t.is(flag.unit, option.unit, `${name}: ${key}`)
    }
  }
})

test('the reference page has every option, and comments and page are what the tables say', async (t) => {
  for (const { path } of inFit) t.true(page.includes(`\n| \`${path}\` |`), path)
  for (const { name, options } of commands) {
    const section = page.split(`\n### ${name}\n`)[1]!.split('\n### ')[0]!
    for (const key of Object.keys(options)) t.true(section.includes(`\n| \`--${optionName(key)}\` |`), `${name} ${key}`)
  }
  await t.notThrowsAsync(promisify(execFile)(process.execPath, ['scripts/options.mjs', '--check'], { cwd: root }))
})
