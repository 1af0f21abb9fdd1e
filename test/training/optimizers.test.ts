/** AdamW, LAMB and LARS in sessions and runs; test/ops and test/goldens say what a step of theirs is. */
import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import test from 'ava'
import { resolveOptions } from '../../lib/cli/config.js'
import { optimizerOf, optimizerOptions } from '../../lib/cli/optimizer.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fit } from '../../lib/training/fit.js'
import type { FitOptions } from '../../lib/training/fit_options.js'
import { adamW, lamb, lars, readOptimizer } from '../../lib/training/optimizers.js'
import { cosine } from '../../lib/training/schedules.js'
import { sgd } from '../../lib/training/sgd.js'
import { temporaryDirectory } from '../formats/directory.js'
import { batchOf, openSmall } from '../support/emulated.js'
import { open } from '../support/session.js'
import { someDigits, tiny } from './tiny.js'

test("the defaults are PyTorch's and timm's; LARS excludes norms and biases", (t) => {
  const common = { beta1: 0.9, beta2: 0.999, excludeFromDecay: 'none', weightDecay: 0.01, groups: [] } as const
  t.deepEqual(adamW(), { kind: 'adamW', ...common, epsilon: 1e-8, clipNorm: 0 })
  t.deepEqual(lamb(), { kind: 'lamb', ...common, epsilon: 1e-6, clipNorm: 1 })
  t.deepEqual(lars(), { kind: 'lars', momentum: 0.9, trustCoefficient: 0.001, weightDecay: 1e-4, excludeFromDecay: 'norm-and-bias', groups: [], clipNorm: 0 })
})

test('plain data of any optimizer is read by the function of its kind', (t) => {
  for (const optimizer of [sgd({ nesterov: true }), adamW({ beta1: 0.5 }), lamb({ groups: [{ match: 'head', rate: 2 }] }), lars({ trustCoefficient: 0.1 })]) {
    t.deepEqual(readOptimizer('optimizer', JSON.parse(JSON.stringify(optimizer))), optimizer)
  }
  t.throws(() => readOptimizer('optimizer', { ...adamW(), beta2: 1 }), { code: 'ERR_OPTION', message: /adamW: beta2/ })
  for (const value of [
    { ...sgd(), kind: 'adamW' },
    { ...adamW(), kind: 'adam' },
    { ...sgd(), kind: 'lars' },
    { ...lamb(), groups: 1 },
    { ...lamb(), kind: 'toString' },
  ]) {
    t.throws(() => readOptimizer('optimizer', value), { code: 'ERR_OPTION', message: /optimizer: expected an optimizer, such as sgd\(\)/ })
  }
})

const tried = {
  adamW: { optimizer: adamW({ epsilon: 1e-3, clipNorm: 1 }), states: ['firstMoment', 'secondMoment'] },
  lamb: { optimizer: lamb({ epsilon: 1e-3, weightDecay: 0.1 }), states: ['firstMoment', 'secondMoment'] },
  lars: { optimizer: lars({ trustCoefficient: 0.5, clipNorm: 1 }), states: ['velocity'] },
} as const
for (const [name, { optimizer, states }] of Object.entries(tried)) {
  test(`${name}: fp32 on the CPU and on the emulated GPU follow the reference`, async (t) => {
    const sessions = {
      reference: await openSmall(8, {}, { device: 'reference', precision: 'fp64', optimizer }),
      cpu: await openSmall(8, {}, { device: 'cpu', precision: 'fp32', convolution: 'direct', optimizer }),
      cuda: await openSmall(8, { lossScale: 1 }, { precision: 'fp32', optimizer }),
    }
    t.teardown(async () => {
      for (const session of Object.values(sessions)) await session.dispose()
    })
    for (let step = 0; step < 3; step++) for (const session of Object.values(sessions)) await session.step(batchOf(step), { learningRate: 0.01 })
    const { reference, ...others } = sessions
    t.deepEqual(reference.optimizerStates, states)
    for (const [device, session] of Object.entries(others)) {
      for (const parameter of reference.trainedNames) {
        for (const of of [undefined, ...reference.optimizerStates]) {
          const [wanted, got] = await Promise.all(
            [reference, session].map((one) => (of === undefined ? one.parameter(parameter) : one.optimizerState(parameter, of)).read()),
          )
          const norm = Math.hypot(...wanted!)
          const error = Math.hypot(...wanted!.map((value, index) => value - got![index]!)) / norm
          t.true(norm > 0 && error < 1e-4, `${device} ${of ?? 'weights'} of ${parameter}: ${error}`)
        }
      }
    }
  })

  test(`${name}: a run that is killed and goes on with accumulations for groups ends in the same bits`, async (t) => {
    const base = await temporaryDirectory(t)
    const [straight, broken] = [join(base, 'straight'), join(base, 'broken')]
    const { train } = await someDigits()
    const options = (directory: string, threads: number, parts: Pick<FitOptions, 'statisticsGroups' | 'accumulate'>): FitOptions => ({
      train,
      ...parts,
      batch: 8,
      precision: 'fp32',
      steps: 200,
      seed: 5,
      threads,
      optimizer,
      learningRate: cosine({ base: 0.01 }),
      checkpoint: { directory, every: 5, resume: true },
    })
    await fit(tiny(), options(straight, 1, { statisticsGroups: 2 })).finished
    const run = fit(tiny(), options(broken, 2, { statisticsGroups: 2 }))
    for await (const event of run.events) if (event.kind === 'checkpoint') break
    await run[Symbol.asyncDispose]()
    await t.throwsAsync(run.finished, { code: 'ERR_ABORTED' })
    t.true((await listCheckpoints(broken)).at(-1)!.step < 200)
    await t.throwsAsync(fit(tiny(), { ...options(broken, 1, { accumulate: 2 }), optimizer: sgd() }).finished, {
      code: 'ERR_CHECKPOINT',
      message: /optimizer: .*(beta1|trustCoefficient)/,
    })
    await fit(tiny(), options(broken, 1, { accumulate: 2 })).finished
    const files = await Promise.all(
      [straight, broken].map(async (directory) => {
        const { path } = (await listCheckpoints(directory)).at(-1)!
        return { model: await readFile(join(path, 'model.safetensors')), optimizer: await readFile(join(path, 'optimizer.safetensors')), path }
      }),
    )
    t.deepEqual(files[0]!.model, files[1]!.model)
    t.deepEqual(files[0]!.optimizer, files[1]!.optimizer)
    const { tensors } = await readSafetensors(join(files[0]!.path, 'optimizer.safetensors'))
    const kept: readonly string[] = states
    t.deepEqual(
      ['stem.weight', 'firstMoment/stem.weight', 'secondMoment/stem.weight'].map((name) => tensors.has(name)),
      ['velocity', 'firstMoment', 'secondMoment'].map((state) => kept.includes(state)),
    )
  })
}

test('LARS moves each weight by a share of its own norm, and norms and biases as SGD does', async (t) => {
  const [rate, coefficient] = [0.5, 0.01]
  const settings = { device: 'reference', precision: 'fp64' } as const
  const adaptive = await openSmall(8, {}, { ...settings, optimizer: lars({ trustCoefficient: coefficient, weightDecay: 0, momentum: 0 }) })
  const plain = await openSmall(8, {}, { ...settings, optimizer: sgd({ weightDecay: 0, momentum: 0 }) })
  t.teardown(() => Promise.all([adaptive, plain].map((session) => session.dispose())))
  for (const name of adaptive.trainedNames) {
    const before = (await adaptive.parameter(name).read()).slice()
    await plain.parameter(name).write(before)
  }
  const before = new Map(await Promise.all(adaptive.trainedNames.map(async (name) => [name, (await adaptive.parameter(name).read()).slice()] as const)))
  for (const session of [adaptive, plain]) await session.step(batchOf(0), { learningRate: rate })
  for (const [name, weights] of before) {
    const after = await adaptive.parameter(name).read()
    const moved = Math.hypot(...weights.map((value, i) => value - after[i]!))
    if (weights.length > 1 && /conv|fc.weight|shortcut/.test(name) && !/norm|bias/.test(name)) {
      t.true(Math.abs(moved / (rate * coefficient * Math.hypot(...weights)) - 1) < 1e-6, `${name}: ${moved}`)
    } else {
      t.deepEqual(after, await plain.parameter(name).read(), name)
    }
  }
})

test('a state that the optimizer does not keep is refused', async (t) => {
  const session = await open(t, { device: 'reference' })
  t.deepEqual(session.optimizerStates, ['velocity'])
  t.throws(() => session.optimizerState('stem.weight', 'firstMoment'), {
    code: 'ERR_OPTION',
    message: /optimizerState: state: expected "velocity", got "firstMoment"/,
  })
})

const said = {
  '': sgd(),
  '--momentum 0.8 --weight-decay 0.1 --clip-norm 2': sgd({ momentum: 0.8, weightDecay: 0.1, clipNorm: 2 }),
  '--optimizer adamw': adamW(),
  '--optimizer adamw --beta1 0.8 --beta2 0.99 --epsilon 0.001': adamW({ beta1: 0.8, beta2: 0.99, epsilon: 1e-3 }),
  '--optimizer lars': lars(),
  '--optimizer lars --momentum 0.8 --trust-coefficient 0.02 --exclude-from-decay none': lars({
    momentum: 0.8,
    trustCoefficient: 0.02,
    excludeFromDecay: 'none',
  }),
  '--optimizer lamb --weight-decay 0.02 --exclude-from-decay norm-and-bias': lamb({ weightDecay: 0.02, excludeFromDecay: 'norm-and-bias' }),
}

const flags = async (line: string) => {
  const words = line.split(/ *--| /).filter((word) => word !== '')
  const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  return resolveOptions(optimizerOptions, Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[camel(word), words[i + 1]]] : []))))
}

test('flags of train name an optimizer and its settings', async (t) => {
  for (const [line, optimizer] of Object.entries(said)) t.deepEqual(optimizerOf(await flags(line)), optimizer, line)
  for (const [line, message] of [
    ['--optimizer adamw --momentum 0.9', /--momentum: expected none with --optimizer adamw, got 0\.9/],
    ['--trust-coefficient 0.1', /--trust-coefficient: expected none with --optimizer sgd, got 0\.1/],
    ['--beta1 0.9', /--beta1: expected none with --optimizer sgd, got 0\.9/],
  ] as const) {
    const values = await flags(line)
    t.throws(() => optimizerOf(values), { code: 'ERR_OPTION', message })
  }
})
