/** Twenty steps of each optimizer, each loss and each moving average beside PyTorch's, from the same gradients and logits; pytorch_steps.py wrote what PyTorch gives. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { NativeSession } from '../../lib/native/types.js'
import { loadBinding } from '../../lib/native/load.js'
import { everyone, type TestExecutor } from '../support/executors.js'
import { programSet, type OperationCase } from '../support/operation.js'
import { valuesOf, type Values } from '../support/values.js'
import { goldenDirectory } from '../cli/run.js'

type Precision = 'f64' | 'f32'
type Stored<T> = { readonly kind: string; readonly options: Readonly<Record<string, number | boolean>> } & Readonly<Record<Precision, T>>
interface Document {
  readonly optimizers: readonly Stored<Readonly<Record<string, readonly number[]>>>[]
  readonly averages: readonly Stored<Readonly<Record<'weights' | 'statistics', readonly number[]>>>[]
  readonly losses: readonly Stored<{ readonly losses: readonly number[]; readonly gradients: readonly (readonly number[])[] }>[]
}

const document = JSON.parse(readFileSync(join(goldenDirectory, 'pytorch-steps.json'), 'utf8')) as Document
const steps = 20
const learningRate = 0.01
const [images, classes] = [4, 7]
const parameters = [
  ['conv', 108],
  ['fc', 35],
  ['bias', 5],
] as const

/** Numbers from -1 to below 1 that double and float hold exactly; pytorch_steps.py has the same rule. */
function drawn(count: number, stream: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor((((i * 7919 + stream * 104_729 + 12_345) * 48_271) % 65_537) / 2) / 16_384 - 1)
}

/** Largest difference, as a share of the largest number. */
function apart(actual: ArrayLike<number>, expected: readonly number[]): number {
  const most = Math.max(...expected.map(Math.abs))
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / most
}

const hosts = everyone.filter(({ name }) => name === 'reference fp64' || name === 'cpu fp32')
const inDouble = ({ device }: TestExecutor): boolean => device === 'reference'

/** Of each image its own class and the third one after it, as mixup makes them. */
function mixed(labels: Int32Array, step: number): Float64Array {
  const targets = new Float64Array(images * classes)
  for (const [n, value] of drawn(images, 2000 + step).entries()) {
    const share = value / 2 + 0.5
    targets[n * classes + labels[n]!] = share
    targets[n * classes + ((labels[n]! + 3) % classes)] = 1 - share
  }
  return targets
}

/** A session of one operation, which the callback steps. */
async function stepping(
  executor: TestExecutor,
  op: 'sgd' | 'adamw' | 'lamb' | 'softmax_cross_entropy' | 'binary_cross_entropy' | 'ema',
  operation: OperationCase,
  each: (session: NativeSession, run: (step: number) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const session = await loadBinding().createSession(JSON.stringify(programSet(executor, op, operation)), { threads: 1 })
  try {
    await session.allocate()
    const rates = ['sgd', 'adamw', 'lamb'].includes(op) ? Float64Array.of(learningRate) : new Float64Array()
    await each(session, (step) => session.run('train', { steps: 1, seed: 0, firstStep: step, learningRates: rates }))
  } finally {
    await session.dispose()
  }
}

/** Each parameter's place in the row of all. */
const places = parameters.map(([name, length], index) => ({ name, length, offset: 128 * index }))
const total = 128 * parameters.length
const row = (of: (index: number, length: number) => readonly number[]): Float64Array => {
  const values = new Float64Array(total)
  for (const [index, { length, offset }] of places.entries()) values.set(of(index, length), offset)
  return values
}

function updateCase(kind: string, { weightDecay, excludeBias, ...attributes }: Stored<unknown>['options']): OperationCase {
  const state = kind === 'sgd' ? ['velocity'] : ['firstMoment', 'secondMoment']
  const zeros = (): Values => valuesOf([total])
  return {
    inputs: { weights: zeros(), gradients: zeros(), ...Object.fromEntries(state.map((name) => [name, zeros()])) },
    outputs: {},
    attributes: {
      ...attributes,
      offsets: places.map(({ offset }) => offset),
      lengths: places.map(({ length }) => length),
      decays: places.map(({ name }) => (excludeBias === true && name === 'bias' ? 0 : (weightDecay as number))),
      rates: places.map(() => 1),
    },
  }
}

for (const executor of hosts) {
  for (const { kind, options, ...results } of document.optimizers) {
    test(`${kind} ${JSON.stringify(options)} goes as PyTorch's: ${executor.name}`, async (t) => {
      const operation = updateCase(kind, options)
      await stepping(executor, kind === 'adamW' ? 'adamw' : (kind as 'sgd' | 'lamb'), operation, async (session, run) => {
        for (const operand of Object.keys(operation.inputs)) if (operand !== 'weights') await session.write(operand, new Float64Array(total))
        await session.write(
          'weights',
          row((index, length) => drawn(length, index)),
        )
        for (let step = 0; step < steps; step++) {
          await session.write(
            'gradients',
            row((index, length) => drawn(length, 100 + 10 * step + index)),
          )
          await run(step)
        }
        const weights = (await session.read('weights')) as Float64Array
        const expected = results[inDouble(executor) ? 'f64' : 'f32']
        for (const { name, offset, length } of places) {
          const error = apart(weights.subarray(offset, offset + length), expected[name]!)
          t.true(error <= (inDouble(executor) ? 1e-12 : 1e-6), `${name}: ${error}`)
        }
      })
    })
  }
  for (const { kind, options, ...results } of document.losses) {
    test(`${kind} ${JSON.stringify(options)} is PyTorch's: ${executor.name}`, async (t) => {
      const { soft, ...attributes } = options
      const size = [images, classes]
      const operation: OperationCase = {
        inputs: { logits: valuesOf(size), labels: valuesOf([images]), ...(soft === true && { targets: valuesOf(size) }) },
        outputs: { dlogits: size, metrics: [4] },
        attributes,
      }
      const op = kind === 'crossEntropy' ? 'softmax_cross_entropy' : 'binary_cross_entropy'
      await stepping(executor, op, operation, async (session, run) => {
        const expected = results[inDouble(executor) ? 'f64' : 'f32']
        const losses: number[] = []
        for (let step = 0; step < steps; step++) {
          await session.write(
            'logits',
            Float64Array.from(drawn(images * classes, 1000 + step), (value) => 8 * value),
          )
          const labels = Int32Array.from({ length: images }, (_, n) => (step + 2 * n) % classes)
          await session.write('labels', labels)
          if (soft === true) await session.write('targets', mixed(labels, step))
          await run(step)
          const metrics = (await session.read('metrics')) as Float64Array
          losses.push(metrics[0]! / metrics[1]!)
          const error = apart(await session.read('dlogits'), expected.gradients[step]!)
          t.true(error <= (inDouble(executor) ? 1e-12 : 1e-6), `gradient of step ${step}: ${error}`)
        }
        t.true(apart(losses, expected.losses) <= (inDouble(executor) ? 1e-12 : 1e-6), `losses: ${apart(losses, expected.losses)}`)
      })
    })
  }
  for (const { kind, options, ...results } of document.averages) {
    test(`moving averages ${JSON.stringify(options)} go as those of ${kind}: ${executor.name}`, async (t) => {
      const sizes = { weights: 35, averages: 35, statistics: 5, averagedStatistics: 5 }
      const inputs = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, valuesOf([size])]))
      await stepping(executor, 'ema', { inputs, outputs: {}, attributes: options }, async (session, run) => {
        for (let step = 0; step < steps; step++) {
          await session.write('weights', Float64Array.from(drawn(sizes.weights, 3000 + step)))
          await session.write('statistics', Float64Array.from(drawn(sizes.statistics, 4000 + step)))
          await run(step)
        }
        const expected = results[inDouble(executor) ? 'f64' : 'f32']
        for (const [name, values] of [
          ['averages', expected.weights],
          ['averagedStatistics', expected.statistics],
        ] as const) {
          const error = apart(await session.read(name), values)
          t.true(error <= (inDouble(executor) ? 1e-12 : 1e-6), `${name}: ${error}`)
        }
      })
    })
  }
}
