/** Flags of the learning rate, as `train` gets them. */
import test from 'ava'
import { resolveOptions } from '../../lib/cli/config.js'
import { learningRateOptions, scheduleOf } from '../../lib/cli/learning_rate.js'
import type { Schedule } from '../../lib/training/schedule.js'
import { constant, cosine, multiStep, oneCycle, poly } from '../../lib/training/schedules.js'

/** Words as a shell gives them: `--a 1 --b 2`. */
async function scheduleFor(line: string): Promise<Schedule> {
  const words = line.split(/ *--| /).filter((word) => word !== '')
  const given = Object.fromEntries(words.flatMap((word, index) => (index % 2 === 0 ? [[camel(word), words[index + 1]]] : [])))
  return scheduleOf(await resolveOptions(learningRateOptions, given))
}
const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

const said: readonly (readonly [line: string, schedule: Schedule])[] = [
  ['', multiStep({ base: 0.1, milestones: { fraction: [0.5, 0.75] } })],
  ['--milestones none --learning-rate 0.2', multiStep({ base: 0.2, milestones: [] })],
  ['--milestones 32000,48000 --warmup-steps 400', multiStep({ base: 0.1, milestones: [32_000, 48_000], warmup: { steps: 400, rate: 0.01 } })],
  [
    '--milestone-epochs 82,122.5 --milestone-factor 0.2 --warmup-epochs 1 --warmup-rate 0.02',
    multiStep({ base: 0.1, milestones: { epochs: [82, 122.5] }, factor: 0.2, warmup: { epochs: 1, rate: 0.02 } }),
  ],
  ['--milestones 5 --warmup-steps 0', multiStep({ base: 0.1, milestones: [5] })],
  ['--schedule constant --learning-rate 0.3', constant({ rate: 0.3 })],
  ['--schedule cosine', cosine({ base: 0.1 })],
  ['--schedule cosine --warmup-epochs 5 --final-rate 0.001', cosine({ base: 0.1, warmup: { epochs: 5 }, final: 0.001 })],
  ['--schedule cosine --schedule-steps 60 --warmup-steps 5 --warmup-rate 0.01', cosine({ base: 0.1, steps: 60, warmup: { steps: 5, rate: 0.01 } })],
  ['--schedule one-cycle --learning-rate 1 --warmup-epochs 3', oneCycle({ peak: 1, warmup: { epochs: 3 } })],
  ['--schedule one-cycle --schedule-epochs 3', oneCycle({ peak: 0.1, steps: { epochs: 3 } })],
  ['--schedule poly --power 2 --warmup-steps 3', poly({ base: 0.1, power: 2, warmup: 3 })],
]
for (const [line, schedule] of said) {
  test(`train ${line}`, async (t) => {
    const run = { steps: 640, stepsPerEpoch: 4 }
    t.is(JSON.stringify((await scheduleFor(line)).resolve(run)), JSON.stringify(schedule.resolve(run)))
  })
}

test('without flags the rate falls where it always fell', async (t) => {
  for (const [steps, milestones] of [
    [30, [15, 22]],
    [64_001, [32_000, 48_000]],
    [3, [1, 2]],
    [2, [1]],
  ] as const)
    t.like((await scheduleFor('')).resolve({ steps }), { milestones })
})

const refused: readonly (readonly [line: string, message: RegExp])[] = [
  ['--schedule cosin', /--schedule: expected .*did you mean "cosine"/],
  ['--schedule cosine --milestones 5', /^--milestones: expected none with --schedule cosine, got \[5\]/],
  ['--schedule-epochs 5', /^--schedule-epochs: expected none with --schedule multi-step, got 5/],
  ['--schedule constant --warmup-steps 5', /^--warmup-steps: expected none with --schedule constant, got 5/],
  ['--schedule one-cycle --warmup-steps 5 --warmup-rate 1', /^--warmup-rate: expected none with --schedule one-cycle/],
  ['--milestones 5 --milestone-epochs 5', /^expected either --milestones or --milestone-epochs, got both/],
  ['--warmup-steps 5 --warmup-epochs 5', /^expected either --warmup-steps or --warmup-epochs, got both/],
  ['--schedule poly --schedule-steps 5 --schedule-epochs 5', /^expected either --schedule-steps or --schedule-epochs, got both/],
  ['--warmup-rate 0.01', /^--warmup-rate: expected --warmup-steps or --warmup-epochs beside it, got neither/],
  ['--milestone-epochs 82,x', /^--milestone-epochs: expected a number of at least 0, got "x"/],
]
for (const [line, message] of refused) {
  test(`refused: train ${line}`, async (t) => {
    await t.throwsAsync(scheduleFor(line), { code: 'ERR_OPTION', message })
  })
}
