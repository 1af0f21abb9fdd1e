import test from 'ava'
import type { Dataset } from '../../lib/data/dataset.js'
import { centerCrop, flip, randomCrop, resize } from '../../lib/data/index.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { fit } from '../../lib/training/fit.js'
import { cosine, multiStep } from '../../lib/training/schedules.js'
import { planFit, type FitOptions, type FitSettings } from '../../lib/training/fit_options.js'
import { sgd } from '../../lib/training/sgd.js'

const net = network({ input: { height: 4, width: 4, channels: 1 }, layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 3 }) } })

const data = (length: number): Dataset => ({
  name: 'made',
  length,
  classes: ['a', 'b', 'c'],
  labels: new Int32Array(length),
  source: { kind: 'memory', images: new Uint8Array(length * 16), shape: { height: 4, width: 4, channels: 1 } },
  fingerprint: 'f',
})
const withoutSteps: FitSettings = { train: data(103), batch: 10, learningRate: 0.1 }
const least: FitOptions = { ...withoutSteps, steps: 7 }

test('what is left out is filled in', (t) => {
  const plan = planFit(net, least)
  t.is(plan.stepsPerEpoch, 10, 'the short last batch is dropped')
  t.is(plan.validateEvery, 10)
  t.is(plan.learningRate.at(3), 0.1)
  t.deepEqual(plan.optimizer, sgd())
  t.is(plan.output, undefined)
  t.deepEqual(plan.prepare, {})
  t.is(plan.cache, 'auto')
  t.is(planFit(net, { ...least, checkpoint: { directory: 'runs/a' } }).output, 'runs/a')
  t.deepEqual(planFit(net, { ...least, checkpoint: { directory: 'a', resume: true } }).checkpoint, { directory: 'a', every: 10, keep: 3, resume: true })
})

test('epochs become steps', (t) => {
  t.is(planFit(net, { ...withoutSteps, epochs: 2.5 }).steps, 25)
  t.is(planFit(net, { ...withoutSteps, epochs: 0.001 }).steps, 1)
})

test('schedules learn the length of the run', (t) => {
  const learningRate = cosine({ base: 0.1, warmup: { epochs: 1 } })
  for (const length of [{ epochs: 2.5 }, { steps: 25 }])
    t.deepEqual(JSON.parse(JSON.stringify(planFit(net, { ...withoutSteps, ...length, learningRate }).learningRate)), {
      kind: 'cosine',
      base: 0.1,
      steps: 25,
      warmup: 10,
      final: 0,
    })
  const milestones = { base: 0.1, milestones: { epochs: [1, 2] } }
  t.is(planFit(net, { ...withoutSteps, epochs: 3, learningRate: multiStep(milestones) }).learningRate.at(20), 0.1 * 0.1 ** 2)
})

const bad: [string, () => FitOptions, string, RegExp][] = [
  ['a misspelt option', () => ({ ...least, momentun: 1 }) as FitOptions, 'ERR_OPTION', /unknown option "momentun"/],
  // @ts-expect-error: the types refuse it too
  ['neither steps nor epochs', () => withoutSteps, 'ERR_OPTION', /either steps or epochs, got neither/],
  // @ts-expect-error: and both
  ['steps and epochs', () => ({ ...least, epochs: 1 }), 'ERR_OPTION', /got both/],
  ['no steps at all', () => ({ ...least, steps: 0 }), 'ERR_OPTION', /fit: steps: expected an integer of at least 1/],
  ['no data', () => ({ ...least, train: undefined as never }), 'ERR_OPTION', /fit: train: expected a dataset/],
  ['an empty dataset', () => ({ ...least, train: data(0) }), 'ERR_DATASET', /fit: train: made is empty/],
  ['an empty validation', () => ({ ...least, validate: data(0) }), 'ERR_DATASET', /fit: validate: made is empty/],
  [
    'a validation of other classes',
    () => ({ ...least, validate: { ...data(9), classes: ['a', 'c', 'b'] } }),
    'ERR_DATASET',
    /fit: validate: made: expected the classes of the training images \(a, b, c\), got a, c, b; the first that differs is class 1: "b" and "c"/,
  ],
  ['a batch larger than the data', () => ({ ...least, batch: 104 }), 'ERR_DATASET', /made has 103 images, fewer than one batch of 104/],
  ['groups that do not divide the batch', () => ({ ...least, statisticsGroups: 3 }), 'ERR_OPTION', /a divisor of the batch \(10\), got 3/],
  [
    'a step that is too small',
    () => ({ ...least, prepare: { evaluate: [resize(3), centerCrop()] } }),
    'ERR_OPTION',
    /prepare\.evaluate: resize\(3\): expected at least 4/,
  ],
  [
    'steps in another order',
    () => ({ ...least, prepare: { train: [flip(), randomCrop({ pad: 2 })] } }),
    'ERR_OPTION',
    /prepare\.train: expected one of these lists, .*\[randomCrop\] \[flip\].*; got flip\(\), randomCrop/,
  ],
  [
    'random steps of evaluation',
    () => ({ ...least, prepare: { evaluate: [flip()] } }),
    'ERR_OPTION',
    /prepare\.evaluate: expected no random step, got flip\(\)/,
  ],
  ['a misspelt part', () => ({ ...least, prepare: { trian: [] } as never }), 'ERR_OPTION', /fit: prepare: unknown option "trian"; did you mean "train"/],
  [
    'a step that is none',
    () => ({ ...least, prepare: { train: [flip] as never } }),
    'ERR_OPTION',
    /prepare\.train\[0\]: expected a step, got a function; call it/,
  ],
  [
    'a normalization of other channels',
    () => ({ ...least, prepare: { normalization: { mean: [0, 0], std: [1, 1] } } }),
    'ERR_OPTION',
    /normalization\.mean: expected 1 numbers/,
  ],
  ['a deviation of zero', () => ({ ...least, prepare: { normalization: { mean: [0], std: [0] } } }), 'ERR_OPTION', /normalization\.std\[0\]/],
  ['another cache', () => ({ ...least, cache: 'disk' as never }), 'ERR_OPTION', /fit: cache: expected "auto"/],
  ['augment, which prepare replaced', () => ({ ...least, augment: {} }) as FitOptions, 'ERR_OPTION', /unknown option "augment"/],
  [
    'a warm-up that is longer than the run',
    () => ({ ...withoutSteps, epochs: 2, learningRate: cosine({ base: 0.1, warmup: { epochs: 5 } }) }),
    'ERR_OPTION',
    /^fit: learningRate: cosine: warmup: expected an integer from 0 to 19, got 50 \(type number\), in a run of 20 steps, 10 an epoch$/,
  ],
  ['no learning rate', () => ({ ...least, learningRate: undefined as never }), 'ERR_OPTION', /fit: learningRate: expected a number/],
  ['a smoothing beyond 1', () => ({ ...least, labelSmoothing: 2 }), 'ERR_OPTION', /labelSmoothing: expected a number from 0 to 1/],
  ['another device', () => ({ ...least, device: 'gpu' as never }), 'ERR_OPTION', /fit: device: expected "auto"/],
  ['an optimizer that is none', () => ({ ...least, optimizer: { momentum: 0.9 } as never }), 'ERR_OPTION', /expected an optimizer/],
  ['a signal that is none', () => ({ ...least, signal: {} as never }), 'ERR_OPTION', /expected an AbortSignal/],
  ['a checkpoint without directory', () => ({ ...least, checkpoint: { every: 3 } as never }), 'ERR_OPTION', /checkpoint\.directory: expected a string/],
  ['frozen as a string', () => ({ ...least, frozen: 'stem' as never }), 'ERR_OPTION', /expected a list of names or patterns/],
]
for (const [name, options, code, message] of bad) {
  test(`refused at once: ${name}`, (t) => {
    t.throws(() => fit(net, options()), { code, message })
  })
}

test('refused at once: what is no network', (t) => {
  t.throws(() => fit({} as never, least), { code: 'ERR_OPTION', message: /fit: expected a network/ })
})
