import test from 'ava'
import { present } from '../support/case.js'
import { everyone } from '../support/executors.js'
import { given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import { runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { matrix, valuesOf, type Values } from '../support/values.js'

/** Sums G 2 C of `count` normal numbers a channel. */
function sumsOfSamples(random: Random, groups: number, channels: number, count: number, mean: number): Values {
  const sums = valuesOf([groups, 2, channels])
  for (let row = 0; row < groups; row++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let sample = 0; sample < count; sample++) {
        const value = mean + random.normal()
        sums.data[row * 2 * channels + channel]! += value
        sums.data[(row * 2 + 1) * channels + channel]! += value * value
      }
    }
  }
  return sums
}

const factors = {
  channels: [17, 1, 3, 16, 40],
  groups: [1, 3],
  count: [35, 2, 3],
  statistics: ['batch', 'running'],
  mean: [0.3, 30],
  defaults: [true, false],
  stored: [false, true],
} as const

/** Running statistics come from the first of several groups, on executors without stored copies too. */
const severalGroups = { ...pairwise(factors)[0]!, channels: 17, groups: 3, count: 35, statistics: 'batch', stored: false } as const

const cases: NamedCase[] = [...pairwise(factors), severalGroups].map(({ channels, groups, count, statistics, mean, defaults, stored }, index) => {
  const random = new Random(5000 + index)
  const batch = statistics === 'batch'
  const perGroup = [groups, channels]
  return {
    name: `${channels} channels, ${groups} groups, ${count} values around ${mean}, ${statistics} statistics${stored ? ', stored' : ''}`,
    inputs: present({
      sums: batch && sumsOfSamples(random, groups, channels, count, mean),
      weight: random.scales([channels]),
      beta: random.normals([channels]),
      runningMean: random.normals([channels]),
      runningVar: random.positives([channels]),
    }),
    outputs: { mean: perGroup, invstd: perGroup, scale: perGroup, bias: perGroup, ...(stored && { scaleStored: perGroup, biasStored: perGroup }) },
    attributes: { ...(batch && { count }), ...(!defaults && { epsilon: 1e-3, momentum: 0.25 }) },
  }
})

function statement(operation: OperationCase): Results {
  const [groups, channels] = operation.outputs['mean'] as [number, number]
  const sums = maybe(operation, 'sums')
  const [weight, beta, runningMean, runningVar] = ['weight', 'beta', 'runningMean', 'runningVar'].map((operand) => given(operation, operand).data)
  const count = number(operation, 'count', 0)
  const momentum = number(operation, 'momentum', 0.1)
  const perGroup = (make: (group: number, channel: number) => number): Values => matrix(groups, channels, make)
  const mean = perGroup((g, c) => (sums === undefined ? runningMean![c]! : sums.data[g * 2 * channels + c]! / count))
  const variance = perGroup((g, c) =>
    sums === undefined ? runningVar![c]! : sums.data[(g * 2 + 1) * channels + c]! / count - mean.data[g * channels + c]! ** 2,
  )
  const invstd = perGroup((g, c) => (variance.data[g * channels + c]! + number(operation, 'epsilon', 1e-5)) ** -0.5)
  const scale = perGroup((g, c) => weight![c]! * invstd.data[g * channels + c]!)
  const running = (old: Float64Array, now: (c: number) => number): Values =>
    valuesOf([channels], (c) => (sums === undefined ? old[c]! : old[c]! + momentum * (now(c) - old[c]!)))
  const bias = perGroup((g, c) => beta![c]! - mean.data[g * channels + c]! * scale.data[g * channels + c]!)
  return {
    mean,
    invstd,
    scale,
    bias,
    ...('scaleStored' in operation.outputs && { scaleStored: scale, biasStored: bias }),
    // The first group's only; the variance of a sample, not of a population.
    runningMean: running(runningMean!, (c) => mean.data[c]!),
    runningVar: running(runningVar!, (c) => (variance.data[c]! * count) / (count - 1)),
  }
}

judge('bn_finalize', { cases, statement })

for (const executor of everyone) {
  test(`bn_finalize: rounding cannot make a variance negative: ${executor.name}`, async (t) => {
    const count = 1000
    const results = await runOperation(executor, 'bn_finalize', {
      inputs: {
        // The squares' sum a little too small for a constant 3.
        sums: { shape: [1, 2, 1], data: Float64Array.of(3 * count, 9 * count - 1e-3) },
        weight: valuesOf([1], () => 1),
        beta: valuesOf([1]),
        runningMean: valuesOf([1]),
        runningVar: valuesOf([1], () => 1),
      },
      outputs: { mean: [1, 1], invstd: [1, 1], scale: [1, 1], bias: [1, 1] },
      attributes: { count, epsilon: 0.25, momentum: 0.5 },
    })
    t.is(results['mean']?.data[0], 3)
    t.is(results['invstd']?.data[0], 2)
    t.is(results['runningVar']?.data[0], 0.5)
  })
}
