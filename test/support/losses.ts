/** What is asked of both operations that compute a loss: their dlogits is its gradient, and labels that name no class are refused. */
import test from 'ava'
import type { OperationName } from '../../lib/contracts.js'
import { checkAdjoint } from './adjoint.js'
import { present } from './case.js'
import { everyone, reference } from './executors.js'
import { runOperation, type Results } from './operation.js'
import { Random } from './random.js'
import { valuesOf, type Values } from './values.js'

export interface LossChecks {
  readonly seed: number
  readonly targets: readonly ('hard' | 'smoothed' | 'soft')[]
  /** Labels of none of 10 classes. */
  readonly refused: readonly number[]
}

/** Different ones, above and below 1. */
export const classWeights = (classes: number): number[] => Array.from({ length: classes }, (_, k) => 0.25 * (1 + (k % 7)))

/** Registers the tests of a loss. */
export function testLoss(op: OperationName, { seed, targets, refused }: LossChecks): void {
  for (const [kind, weighted] of targets.flatMap(
    (target) =>
      [
        [target, false],
        [target, true],
      ] as const,
  )) {
    test(`${op}: dlogits is the gradient of the mean loss: ${kind} targets${weighted ? ', class weights' : ''}`, async (t) => {
      const random = new Random(seed)
      const [N, K] = [5, 17]
      const labels = random.integers([N], K)
      labels.data[3] = -1
      const operation = {
        inputs: present({ labels, targets: kind === 'soft' && random.distributions(N, K) }),
        outputs: { dlogits: [N, K], metrics: [4] },
        attributes: { smoothing: kind === 'smoothed' ? 0.1 : 0, ...(weighted && { classWeights: classWeights(K) }) },
      }
      const run = ({ logits }: Readonly<Record<string, Values>>): Promise<Results> =>
        runOperation(reference, op, { ...operation, inputs: { ...operation.inputs, logits: logits! } })
      await checkAdjoint(t, {
        random,
        point: { logits: random.normals([N, K]) },
        forward: async (inputs) => {
          const { metrics } = await run(inputs)
          return [valuesOf([1], () => metrics!.data[0]! / metrics!.data[1]!)]
        },
        backward: async (inputs, [cotangent]) => {
          const { dlogits } = await run(inputs)
          return { logits: valuesOf([N, K], (index) => cotangent!.data[0]! * dlogits!.data[index]!) }
        },
      })
    })
  }

  for (const executor of everyone) {
    for (const label of refused) {
      test(`${op}: label ${label} of 10 classes is an error, not a read outside: ${executor.name}`, async (t) => {
        const run = runOperation(executor, op, {
          inputs: { logits: valuesOf([2, 10]), labels: { shape: [2], data: Float64Array.of(3, label) } },
          outputs: { dlogits: [2, 10], metrics: [4] },
          attributes: {},
        })
        await t.throwsAsync(run, { code: 'ERR_DATASET', message: new RegExp(`got ${label}`) })
      })
    }
  }
}
