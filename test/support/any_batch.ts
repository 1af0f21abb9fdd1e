/** Networks whose answers must not hang on how many images are answered together, nor on how many threads do it. */
import type { ExecutionContext } from 'ava'
import type { PreResNetDescription } from '../../lib/models/index.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import { classes, logits } from './inference.js'
import { matrix } from './matrix.js'

/** Sizes that are no whole tiles; wide ones whose weights are shared out by filters. */
const networks: Readonly<Record<string, PreResNetDescription>> = {
  bottleneck: { family: 'cifar', depth: 20, block: 'bottleneck', widths: [64, 128, 256], input: { height: 13, width: 9, channels: 3 } },
  'basic, option A': { family: 'cifar', depth: 14, block: 'basic', widths: [16, 40, 64], shortcut: 'option-a', input: { height: 18, width: 18, channels: 3 } },
  original: { family: 'cifar', depth: 14, block: 'basic', unit: 'original', widths: [16, 64, 96], input: { height: 9, width: 9, channels: 3 } },
  'exclusive gating': { family: 'cifar', depth: 14, block: 'basic', unit: 'exclusive-gating', input: { height: 9, width: 9, channels: 3 } },
  imagenet: { family: 'imagenet', units: [1, 1, 1, 1], block: 'bottleneck', input: { height: 45, width: 41, channels: 3 } },
  'ResNet-164': { family: 'cifar', depth: 164, block: 'bottleneck' },
  'ResNet-110': { family: 'cifar', depth: 110, block: 'basic' },
  'ResNet-50': { family: 'imagenet', units: [3, 4, 6, 3], block: 'bottleneck', input: { height: 97, width: 97, channels: 3 } },
  'ResNet-18': { family: 'imagenet', units: [2, 2, 2, 2], block: 'basic', input: { height: 65, width: 65, channels: 3 } },
}

const precisions = nativeBf16() ? (['fp32', 'bf16', 'bf16-native'] as const) : (['fp32', 'bf16'] as const)

interface Case {
  readonly name: string
  readonly precision: (typeof precisions)[number]
}

const quick = ['bottleneck fp32', 'bottleneck bf16-native', 'basic, option A bf16', 'imagenet bf16-native']

export const answers = matrix<Case>(
  Object.keys(networks).flatMap((name) => precisions.map((precision) => ({ name, precision }))),
  ({ name, precision }) => quick.includes(`${name} ${precision}`),
)

export const titleOf = ({ name, precision }: Case): string =>
  `${name}, ${precision}: an image has the same bits alone and in every batch, with any number of threads`

export async function sameAnswers(t: ExecutionContext, { name, precision }: Case, batches: readonly number[], threads: readonly number[]): Promise<void> {
  const description = networks[name]!
  const most = Math.max(...batches)
  const expected = await logits(description, ['cpu', precision], most)
  t.true(expected.every(Number.isFinite))
  for (const batch of batches) {
    for (const count of threads) {
      // The last images, so that a batch of one is not the first of the others.
      const first = most - batch
      const found = await logits(description, ['cpu', precision], batch, count, first)
      t.deepEqual(found, expected.subarray(first * classes), `a batch of ${batch}, ${count} threads`)
    }
  }
}
