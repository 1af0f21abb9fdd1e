import test from 'ava'
import { loadBinding } from '../../lib/native/load.js'
import { everyone } from '../support/executors.js'
import { besideWeights, clippedBy, gradientOf, laidOut, scaledCases, stateOf } from '../support/gradients.js'
import { given, judge, maybe, number, type NamedCase } from '../support/judge.js'
import { programSet, runOperation, type OperationCase, type Results } from '../support/operation.js'
import { pairwise } from '../support/pairwise.js'
import { Random } from '../support/random.js'
import { valuesOf } from '../support/values.js'

const factors = {
  momentum: [0.9, 0],
  clip: ['none', 'acts', 'does not act'],
  decay: [1e-2, 0],
  coefficient: [0.001, 0.02],
  learningRate: [4, 0.1],
  /** Lengths of the segments; between them lies what no segment covers (padding, frozen parameters). */
  lengths: [[5], [16, 1, 33], [1, 100, 7], [20_000, 40]],
} as const

const cases: NamedCase[] = pairwise(factors).map(({ momentum, clip, decay, coefficient, learningRate, lengths }, index) => {
  const random = new Random(44000 + index)
  const { offsets, total } = laidOut(lengths)
  return {
    name: `momentum ${momentum}, clipping ${clip}, decay ${decay}, coefficient ${coefficient}, rate ${learningRate}, segments of ${lengths.join()}`,
    inputs: { weights: random.normals([total]), gradients: random.normals([total]), velocity: random.normals([total], 0.5) },
    outputs: {},
    attributes: {
      momentum,
      ...(clip !== 'none' && { clipNorm: clip === 'acts' ? 0.5 : 1000 }),
      offsets,
      lengths: [...lengths],
      decays: lengths.map((_, segment) => (segment % 2 === 0 ? decay : 0)),
      rates: lengths.map((_, segment) => 1 / (segment + 1)),
      coefficients: lengths.map((_, segment) => (segment % 3 === 1 ? 0 : coefficient)),
    },
    step: { learningRate },
  }
})

const scaled = scaledCases({
  seed: 44500,
  kept: (random, total) => ({ velocity: random.normals([total], 0.5) }),
  attributes: { momentum: 0.9, coefficients: [0.001, 0, 0.01] },
  step: { learningRate: 3 },
})

interface Segment {
  readonly weights: readonly number[]
  readonly gradients: readonly number[]
  readonly velocity: readonly number[]
  readonly momentum: number
  readonly decay: number
  readonly rate: number
  readonly coefficient: number
}

/** You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks" (2017), algorithm 1: the velocity of one parameter after a step. */
function velocityAfter({ weights, gradients, velocity, momentum, decay, rate, coefficient }: Segment): number[] {
  const [ofWeights, ofGradients] = [Math.hypot(...weights), Math.hypot(...gradients)]
  const local = coefficient === 0 || ofWeights === 0 ? 1 : (coefficient * ofWeights) / (ofGradients + decay * ofWeights)
  return velocity.map((before, i) => momentum * before + rate * local * (gradients[i]! + decay * weights[i]!))
}

function statement(operation: OperationCase): Results {
  const [weights, velocity] = ['weights', 'velocity'].map((operand) => given(operation, operand))
  const [offsets, lengths, decays, rates, coefficients] = ['offsets', 'lengths', 'decays', 'rates', 'coefficients'].map(
    (attribute) => operation.attributes[attribute] as number[],
  )
  const before = maybe(operation, 'scaler')
  const state = before === undefined ? undefined : stateOf(before)
  const factor = clippedBy(operation) / (state?.scale ?? 1)
  const raw = gradientOf(operation)
  const [newWeights, newVelocity] = [weights!, velocity!].map(({ shape, data }) => valuesOf(shape, (i) => data[i]!))
  if (state?.overflow !== 1) {
    offsets!.forEach((offset, segment) => {
      const indices = Array.from({ length: lengths![segment]! }, (_, i) => offset + i)
      const after = velocityAfter({
        weights: indices.map((i) => weights!.data[i]!),
        gradients: indices.map((i) => factor * raw(i)),
        velocity: indices.map((i) => velocity!.data[i]!),
        momentum: number(operation, 'momentum', 0.9),
        decay: decays![segment]!,
        rate: rates![segment]! * operation.step!.learningRate!,
        coefficient: coefficients![segment]!,
      })
      indices.forEach((i, place) => {
        newVelocity!.data[i] = after[place]!
        newWeights!.data[i]! -= after[place]!
      })
    })
  }
  return { velocity: newVelocity!, weights: newWeights!, ...besideWeights(operation, newWeights!) }
}

judge('lars', { cases: [...cases, ...scaled], statement })

for (const executor of everyone) {
  test(`lars: parameters that are all zero go by their gradient as it is: ${executor.name}`, async (t) => {
    const results = await runOperation(executor, 'lars', {
      inputs: { weights: valuesOf([16]), gradients: valuesOf([16], () => 2), velocity: valuesOf([16]) },
      outputs: {},
      attributes: { offsets: [0], lengths: [16], decays: [0.1], rates: [1], coefficients: [0.001] },
      step: { learningRate: 0.5 },
    })
    for (const weight of results['weights']!.data) t.is(weight, -1)
  })
}

for (const executor of everyone.filter(({ name }) => name === 'reference fp64' || name === 'cpu fp32')) {
  test(`lars: twenty steps go as the formula of its paper in double: ${executor.name}`, async (t) => {
    const lengths = [108, 35, 5]
    const offsets = [0, 128, 256]
    const total = 384
    const [momentum, learningRate] = [0.9, 0.5]
    const settings = [
      { decay: 1e-4, rate: 1, coefficient: 0.02 },
      { decay: 1e-2, rate: 2, coefficient: 0.05 },
      { decay: 0, rate: 1, coefficient: 0 },
    ]
    const row = (seed: number): Float64Array => {
      const drawn = Float64Array.from(new Random(seed).normals([total]).data, Math.fround)
      return drawn.map((value, i) => (offsets.some((offset, segment) => i >= offset && i < offset + lengths[segment]!) ? value : 0))
    }
    const operation: OperationCase = {
      inputs: { weights: valuesOf([total]), gradients: valuesOf([total]), velocity: valuesOf([total]) },
      outputs: {},
      attributes: {
        momentum,
        offsets,
        lengths,
        decays: settings.map(({ decay }) => decay),
        rates: settings.map(({ rate }) => rate),
        coefficients: settings.map(({ coefficient }) => coefficient),
      },
    }
    const session = await loadBinding().createSession(JSON.stringify(programSet(executor, 'lars', operation)), { threads: 1 })
    t.teardown(() => session.dispose())
    await session.allocate()
    const [weights, velocity] = [row(1), new Float64Array(total)]
    await session.write('weights', weights.slice())
    await session.write('velocity', velocity.slice())
    for (let step = 0; step < 20; step++) {
      const gradients = row(100 + step)
      await session.write('gradients', gradients)
      await session.run('train', { steps: 1, seed: 0, firstStep: step, learningRates: Float64Array.of(learningRate) })
      for (const [segment, { rate, ...of }] of settings.entries()) {
        const part = (values: Float64Array): number[] => [...values.subarray(offsets[segment], offsets[segment]! + lengths[segment]!)]
        const after = velocityAfter({
          weights: part(weights),
          gradients: part(gradients),
          velocity: part(velocity),
          momentum,
          rate: rate * learningRate,
          ...of,
        })
        after.forEach((value, i) => {
          velocity[offsets[segment]! + i] = value
          weights[offsets[segment]! + i]! -= value
        })
      }
    }
    const most = executor.device === 'reference' ? 1e-12 : 1e-6
    for (const [operand, expected] of Object.entries({ weights, velocity })) {
      const got = await session.read(operand)
      for (const [segment, offset] of offsets.entries()) {
        const part = [...expected.subarray(offset, offset + lengths[segment]!)]
        const error = Math.max(...part.map((value, i) => Math.abs(value - got[offset + i]!))) / Math.max(...part.map(Math.abs))
        t.true(error <= most, `${operand} of segment ${segment}: ${error}`)
      }
    }
  })
}
