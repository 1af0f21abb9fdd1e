import test from 'ava'
import { compile } from '../../lib/runtime/compile.js'
import type { Schedule } from '../../lib/training/schedule.js'
import { constant, cosine, linearWarmup, multiStep, oneCycle, poly, scheduleFrom } from '../../lib/training/schedules.js'
import { sgd } from '../../lib/training/sgd.js'
import { tiny } from './tiny.js'

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b))

test("multiStep is the paper's recipe", (t) => {
  const schedule = multiStep({ base: 0.1, milestones: [32_000, 48_000], warmup: { steps: 400, rate: 0.01 } })
  t.deepEqual(
    [0, 399, 400, 31_999].map((step) => schedule.at(step)),
    [0.01, 0.01, 0.1, 0.1],
  )
  t.true(near(schedule.at(32_000), 0.01))
  t.true(near(schedule.at(47_999), 0.01))
  t.true(near(schedule.at(48_000), 0.001))
  t.true(near(schedule.at(1e9), 0.001))
})

test('multiStep takes another factor', (t) => {
  const schedule = multiStep({ base: 1, milestones: [1, 2, 3], factor: 0.5 })
  t.deepEqual(
    [0, 1, 2, 3].map((step) => schedule.at(step)),
    [1, 0.5, 0.25, 0.125],
  )
})

test('cosine goes from base to final, half-way in the middle, after a linear climb', (t) => {
  const schedule = cosine({ base: 0.2, steps: 100, final: 0.02 })
  t.true(near(schedule.at(0), 0.2))
  t.true(near(schedule.at(50), 0.11))
  t.true(near(schedule.at(100), 0.02))
  t.true(near(schedule.at(1000), 0.02))
  const warm = cosine({ base: 0.2, steps: 104, warmup: 4 })
  t.deepEqual(
    [0, 1, 2, 3].map((step) => Math.round(warm.at(step) * 1e6)),
    [40_000, 80_000, 120_000, 160_000],
  )
  t.true(near(warm.at(4), 0.2))
  t.true(near(warm.at(54), 0.1))
})

test('linearWarmup meets what comes after it', (t) => {
  const schedule = linearWarmup({ steps: 10, start: 0.1, then: constant({ rate: 0.6 }) })
  t.true(near(schedule.at(0), 0.1))
  t.true(near(schedule.at(5), 0.35))
  t.is(schedule.at(10), 0.6)
})

test('oneCycle climbs to its peak and ends at its final rate', (t) => {
  const schedule = oneCycle({ peak: 1, steps: 101, warmup: { fraction: 0.2 }, start: 0.1, final: 0.001 })
  t.true(near(schedule.at(0), 0.1))
  t.true(near(schedule.at(10), 0.55))
  t.true(near(schedule.at(20), 1))
  t.true(near(schedule.at(60), (1 + 0.001) / 2))
  t.true(near(schedule.at(100), 0.001))
})

test('poly falls by a power and stays at its end', (t) => {
  const schedule = poly({ base: 1, steps: 10, power: 2, final: 0 })
  t.deepEqual(
    [0, 5, 10, 11].map((step) => schedule.at(step)),
    [1, 0.25, 0, 0],
  )
  t.true(near(poly({ base: 1, steps: 4, final: 0.2 }).at(1), 0.8))
})

const rates = (schedule: Schedule, steps = 20) => Array.from({ length: steps }, (_, step) => schedule.at(step))

test('poly and multiStep warm up as cosine does, or at a rate of their own', (t) => {
  const climb = [0.2, 0.4, 0.6, 0.8].map((rate) => Math.round(rate * 1e6))
  for (const schedule of [
    multiStep({ base: 1, milestones: [10], warmup: 4 }),
    cosine({ base: 1, steps: 20, warmup: { steps: 4 } }),
    poly({ base: 1, steps: 20, warmup: { fraction: 0.2 } }),
  ]) {
    t.deepEqual(
      rates(schedule, 4).map((rate) => Math.round(rate * 1e6)),
      climb,
      schedule.kind,
    )
    t.is(schedule.at(4), 1, schedule.kind)
  }
  t.true(near(poly({ base: 1, steps: 20, warmup: 4 }).at(12), 0.5), 'the fall takes the rest')
  for (const schedule of [
    cosine({ base: 1, steps: 20, warmup: { steps: 4, rate: 0.01 } }),
    poly({ base: 1, steps: 20, warmup: { fraction: 0.2, rate: 0.01 } }),
  ])
    t.deepEqual(rates(schedule, 5), [0.01, 0.01, 0.01, 0.01, 1], schedule.kind)
})

test('oneCycle climbs for a number of steps, too', (t) => {
  const schedule = oneCycle({ peak: 1, steps: 101, warmup: 20, start: 0.1, final: 0.001 })
  t.true(near(schedule.at(10), 0.55))
  t.true(near(schedule.at(20), 1))
})

/** What each schedule is in a run of 2 epochs of 10 steps. */
const inRun: readonly (readonly [name: string, relative: Schedule, inSteps: Schedule])[] = [
  ['the length of the run', cosine({ base: 0.1 }), cosine({ base: 0.1, steps: 20 })],
  ['a warm-up in epochs', cosine({ base: 0.1, warmup: { epochs: 0.5 } }), cosine({ base: 0.1, steps: 20, warmup: 5 })],
  ['a warm-up of a rate', cosine({ base: 0.1, warmup: { epochs: 0.5, rate: 0.01 } }), cosine({ base: 0.1, steps: 20, warmup: { steps: 5, rate: 0.01 } })],
  ['a length in epochs', poly({ base: 0.1, steps: { epochs: 1.5 } }), poly({ base: 0.1, steps: 15 })],
  ['a fraction of what is no whole run', cosine({ base: 0.1, steps: { epochs: 1 }, warmup: { fraction: 0.2 } }), cosine({ base: 0.1, steps: 10, warmup: 2 })],
  ['milestones in epochs', multiStep({ base: 0.1, milestones: { epochs: [1, 1.5] } }), multiStep({ base: 0.1, milestones: [10, 15] })],
  ['milestones as fractions', multiStep({ base: 0.1, milestones: { fraction: [0.29, 0.99] } }), multiStep({ base: 0.1, milestones: [5, 19] })],
  ['milestones in steps', multiStep({ base: 0.1, milestones: { steps: [10, 15] } }), multiStep({ base: 0.1, milestones: [10, 15] })],
  [
    'milestones of several units',
    multiStep({ base: 0.1, milestones: [3, { epochs: 1 }, { fraction: 0.9 }], warmup: { epochs: 0.2, rate: 0.01 } }),
    multiStep({ base: 0.1, milestones: [3, 10, 18], warmup: { steps: 2, rate: 0.01 } }),
  ],
  ['milestones that meet', multiStep({ base: 0.1, milestones: { epochs: [0.001, 0.002] } }), multiStep({ base: 0.1, milestones: [1] })],
  ['no warm-up at all', multiStep({ base: 0.1, milestones: [3], warmup: { epochs: 0, rate: 0.01 } }), multiStep({ base: 0.1, milestones: [3] })],
  [
    'a climb into what follows',
    linearWarmup({ steps: { fraction: 0.1 }, then: cosine({ base: 0.1 }) }),
    linearWarmup({ steps: 2, then: cosine({ base: 0.1, steps: 20 }) }),
  ],
  [
    'what follows a climb in steps',
    linearWarmup({ steps: 2, then: cosine({ base: 0.1 }) }),
    linearWarmup({ steps: 2, then: cosine({ base: 0.1, steps: 20 }) }),
  ],
  ['one cycle', oneCycle({ peak: 1 }), oneCycle({ peak: 1, steps: 20 })],
  ['one cycle with a climb in epochs', oneCycle({ peak: 1, warmup: { epochs: 0.5 } }), oneCycle({ peak: 1, steps: 20, warmup: 5 })],
]
for (const [name, open, inSteps] of inRun) {
  test(`resolved for a run: ${name}`, (t) => {
    t.deepEqual([open.resolved, inSteps.resolved], [open.kind === 'multiStep' && name === 'milestones in steps', true])
    const run = { steps: 20, stepsPerEpoch: 10 }
    const resolved = open.resolve(run)
    t.true(resolved.resolved)
    t.is(JSON.stringify(resolved), JSON.stringify(inSteps))
    t.deepEqual(rates(resolved), rates(inSteps))
    t.is(inSteps.resolve(run), inSteps)
    const again = scheduleFrom(JSON.parse(JSON.stringify(open)))
    t.is(JSON.stringify(again), JSON.stringify(open), 'plain data before, too')
    t.deepEqual(rates(again.resolve(run)), rates(inSteps))
    if (open.resolved) return
    t.throws(() => open.at(0), { code: 'ERR_OPTION', message: /expected a resolved schedule, got one .*calls schedule\.resolve\(\{ steps, stepsPerEpoch \}\)/ })
  })
}

test('fractions are rounded down, whatever a product of doubles is, and epochs to the nearest step', (t) => {
  const milestone = (place: object, run: object) => JSON.parse(JSON.stringify(multiStep({ base: 1, milestones: [place as never] }).resolve(run))) as unknown
  const placed = (step: number) => ({ kind: 'multiStep', base: 1, milestones: [step], factor: 0.1 })
  t.deepEqual(milestone({ fraction: 0.29 }, { steps: 100 }), placed(29))
  t.deepEqual(milestone({ fraction: 0.75 }, { steps: 30 }), placed(22))
  t.deepEqual(milestone({ epochs: 2.5 }, { stepsPerEpoch: 391 }), placed(978))
  t.deepEqual(milestone({ epochs: 1e-9 }, { stepsPerEpoch: 391 }), placed(1))
  t.deepEqual(milestone({ fraction: 0 }, { steps: 30 }), placed(0))
})

test('a training loop of its own refuses what is not resolved', async (t) => {
  await using session = await compile(tiny(), { batch: 2, optimizer: sgd(), device: 'reference', precision: 'fp64' })
  const batch = { x: new Float64Array(2 * 28 * 28), labels: Int32Array.of(0, 1) }
  const rate = cosine({ base: 0.1, warmup: { epochs: 1 } })
  await t.throwsAsync(session.step(batch, { learningRate: rate }), {
    code: 'ERR_OPTION',
    message: /^cosine: expected a resolved schedule, got one whose lengths follow from the run \(\{"steps":\{"fraction":1\},"warmup":\{"epochs":1\}\}\)/,
  })
  await session.step(batch, { learningRate: rate.resolve({ steps: 8, stepsPerEpoch: 2 }) })
  t.is(session.stepIndex, 1)
})

const all: Schedule[] = [
  constant({ rate: 0.3 }),
  multiStep({ base: 0.1, milestones: [3, 7], warmup: { steps: 2, rate: 0.01 } }),
  cosine({ base: 0.1, steps: 20, final: 0.01, warmup: 3 }),
  linearWarmup({ steps: 5, then: multiStep({ base: 0.1, milestones: [10] }) }),
  oneCycle({ peak: 1, steps: 20 }),
  poly({ base: 0.5, steps: 20, power: 0.9 }),
]

for (const schedule of all) {
  test(`${schedule.kind} is plain data that gives the same rates again`, (t) => {
    const again = scheduleFrom(JSON.parse(JSON.stringify(schedule)))
    t.deepEqual(
      Array.from({ length: 25 }, (_, step) => again.at(step)),
      Array.from({ length: 25 }, (_, step) => schedule.at(step)),
    )
    t.is(JSON.stringify(again), JSON.stringify(schedule))
    t.throws(() => schedule.at(-1), { code: 'ERR_OPTION' })
    t.throws(() => schedule.at(0.5), { code: 'ERR_OPTION' })
  })
}

test('a schedule does not follow its options when they change', (t) => {
  const milestones = [5]
  const schedule = multiStep({ base: 1, milestones })
  milestones[0] = 1
  t.is(schedule.at(2), 1)
})

const bad: [string, () => unknown, RegExp][] = [
  ['falling milestones', () => multiStep({ base: 1, milestones: [5, 5] }), /milestones \(rising\): expected an integer of at least 6, got 5/],
  ['a misspelt option', () => multiStep({ base: 1, milestone: [5] } as never), /"milestone"; did you mean "milestones"/],
  ['a negative rate', () => constant({ rate: -1 }), /expected a number of at least 0/],
  ['a rate that is no number', () => poly({ base: NaN, steps: 1 }), /expected a number/],
  [
    'no number of steps',
    () => cosine({ base: 1, steps: 'all' as never }),
    /cosine: steps: expected an integer of at least 1 \(steps\), \{ steps: n \}, .*got "all"/,
  ],
  ['no epochs', () => cosine({ base: 1, steps: { epochs: 0 } }), /cosine: steps\.epochs: expected a number above 0, got 0/],
  ['a percentage', () => cosine({ base: 1, warmup: { fraction: 10 } }), /cosine: warmup\.fraction: expected a number from 0 to 1, got 10/],
  ['two units', () => cosine({ base: 1, warmup: { steps: 1, epochs: 1 } as never }), /cosine: warmup: expected one of steps, epochs, fraction, got/],
  ['a misspelt unit', () => cosine({ base: 1, warmup: { epoch: 1 } as never }), /cosine: warmup: unknown option "epoch"; did you mean "epochs"/],
  ['falling epochs', () => multiStep({ base: 1, milestones: { epochs: [3, 2] } }), /milestones \(rising\): expected more than 3 \(epochs\), got 2/],
  ['falling fractions', () => multiStep({ base: 1, milestones: [{ fraction: 0.5 }, { fraction: 0.5 }] }), /more than 0.5 \(fraction\), got 0.5/],
  ['a milestone that is none', () => multiStep({ base: 1, milestones: [5, {}] as never }), /milestones\[1\]: expected one of steps, epochs, fraction/],
  [
    'milestones that are no list',
    () => multiStep({ base: 1, milestones: { epochs: 82 } as never }),
    /milestones\.epochs: expected an array of numbers, got 82/,
  ],
  [
    'milestones that fall in the run',
    () => multiStep({ base: 1, milestones: [{ epochs: 1 }, 5] }).resolve({ steps: 20, stepsPerEpoch: 10 }),
    /milestones \(rising\): expected an integer of at least 10, got 5/,
  ],
  [
    'a run without what is needed',
    () => cosine({ base: 1, warmup: { epochs: 1 } }).resolve({ steps: 9 }),
    /cosine: warmup: expected stepsPerEpoch of the run for \{"epochs":1\}, got \{"steps":9\}/,
  ],
  ['a run that is none', () => cosine({ base: 1 }).resolve({ epochs: 2 } as never), /cosine: resolve: unknown option "epochs"/],
  [
    'a warm-up longer than the run',
    () => cosine({ base: 1, warmup: { epochs: 3 } }).resolve({ steps: 20, stepsPerEpoch: 10 }),
    /warmup: expected an integer from 0 to 19, got 30/,
  ],
  [
    'a climb as long as the cycle',
    () => oneCycle({ peak: 1, warmup: 20 }).resolve({ steps: 20 }),
    /oneCycle: warmup: expected an integer from 0 to 19, got 20/,
  ],
  ['a cycle of one step', () => oneCycle({ peak: 1 }).resolve({ steps: 1 }), /oneCycle: steps: expected an integer of at least 2, got 1/],
  ['a warm-up as long as everything', () => cosine({ base: 1, steps: 5, warmup: 5 }), /warmup: expected an integer from 0 to 4, got 5/],
  ['a warm-up into a number', () => linearWarmup({ steps: 5, then: 0.1 as never }), /expected a schedule, got 0.1/],
  ['an unknown kind', () => scheduleFrom({ kind: 'cosin', base: 1 }), /did you mean "cosine"/],
  ['no object', () => scheduleFrom('cosine'), /expected an object/],
]
for (const [name, make, message] of bad) {
  test(`refused: ${name}`, (t) => {
    t.throws(make, { code: 'ERR_OPTION', message })
  })
}
