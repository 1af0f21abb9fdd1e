import test from 'ava'
import { constant, cosine, linearWarmup, multiStep, oneCycle, poly, scheduleFrom, type Schedule } from '../../lib/training/schedules.js'

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
  const warm = cosine({ base: 0.2, steps: 104, warmupSteps: 4 })
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
  const schedule = oneCycle({ peak: 1, steps: 101, climb: 0.2, start: 0.1, final: 0.001 })
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

const all: Schedule[] = [
  constant({ rate: 0.3 }),
  multiStep({ base: 0.1, milestones: [3, 7], warmup: { steps: 2, rate: 0.01 } }),
  cosine({ base: 0.1, steps: 20, final: 0.01, warmupSteps: 3 }),
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
  ['no steps', () => cosine({ base: 1 } as never), /cosine: steps: expected an integer/],
  ['a warm-up as long as everything', () => cosine({ base: 1, steps: 5, warmupSteps: 5 }), /from 0 to 4/],
  ['a warm-up into a number', () => linearWarmup({ steps: 5, then: 0.1 as never }), /expected a schedule, got 0.1/],
  ['an unknown kind', () => scheduleFrom({ kind: 'cosin', base: 1 }), /did you mean "cosine"/],
  ['no object', () => scheduleFrom('cosine'), /expected an object/],
]
for (const [name, make, message] of bad) {
  test(`refused: ${name}`, (t) => {
    t.throws(make, { code: 'ERR_OPTION', message })
  })
}
