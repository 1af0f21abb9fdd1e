/** A small model file, images for it, and a storm of requests that a classifier stands. */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { memoryDataset } from '../../lib/data/index.js'
import type { PreresnetError } from '../../lib/errors.js'
import type { Classification, Classifier } from '../../lib/inference/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { randomBytes } from '../support/bytes.js'
import { rgbPng } from '../support/png.js'

export const side = 12
export const network = preResNet({ family: 'cifar', depth: 8, widths: [16, 16, 16], classes: 4, input: { height: side, width: side, channels: 3 } })

export async function writeModel(path: string): Promise<void> {
  const classes = ['ant', 'bee', 'cat', 'dog']
  const images = new Uint8Array(4 * side * side * 3).map((_, index) => (index * 31) % 256)
  const data = await memoryDataset({ images, labels: [0, 1, 2, 3], height: side, width: side, channels: 3, classes })
  await using session = await compile(network, { data, prepare: {}, batch: 4, seed: 3, threads: 1 })
  await session.save(path)
}

export function picture(variant: number, height = side, width = side): Buffer {
  return rgbPng(width, height, randomBytes(height * width * 3, variant))
}

type Outcome = 'right' | 'wrong' | NonNullable<PreresnetError['code']>

export interface Storm {
  readonly requests: number
  /** After this many requests the classifier is disposed of. */
  readonly disposeAfter?: number
}

/** Pseudo-random numbers from 0 to 1. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) / 2 ** 24
  }
}

/**
 * Requests at random times, 30 % of them aborted at random moments, 5 % with broken files; bursts fill the queue. Says how many ended in which way, by what they
 * were. Nothing is left when it returns.
 */
export async function storm(t: ExecutionContext, classifier: Classifier, { requests, disposeAfter }: Storm): Promise<Readonly<Record<string, number>>> {
  const random = randomNumbers(7)
  const files = [1, 2, 3, 4, 5, 6].map((variant) => picture(variant, 8 + 5 * variant, 60 - 7 * variant))
  const expected: (readonly Classification[])[] = []
  for (const file of files) expected.push(await classifier.classify(file))
  const broken = [Buffer.from('no picture'), files[0]!.subarray(0, 80), Buffer.alloc(0)]
  const counts: Record<string, number> = {}
  const ask = async (kind: string, file: Uint8Array, answer: readonly Classification[] | undefined, signal?: AbortSignal): Promise<void> => {
    const outcome: Outcome = await classifier.classify(file, signal && { signal }).then(
      (found) => (JSON.stringify(found) === JSON.stringify(answer) ? 'right' : 'wrong'),
      (error: unknown) => (error as PreresnetError).code,
    )
    counts[`${kind} ${outcome}`] = (counts[`${kind} ${outcome}`] ?? 0) + 1
  }
  const open: Promise<void>[] = []
  let disposal: Promise<void> | undefined
  const part = requests / 5
  for (let index = 0; index < requests; index++) {
    if (index === disposeAfter) disposal = classifier.dispose()
    const [chance, which] = [random(), Math.floor(random() * files.length)]
    if (chance < 0.05) open.push(ask('broken', broken[index % broken.length]!, undefined))
    else if (chance < 0.35) {
      const stop = new AbortController()
      open.push(ask('aborted', files[which]!, expected[which], stop.signal))
      const delay = random() * 6
      if (delay < 1) stop.abort()
      else setTimeout(() => stop.abort(), delay)
    } else open.push(ask('patient', files[which]!, expected[which]))
    // A fifth comes in bursts that heed nothing, and fill the queue.
    if (index % part >= 0.8 * part) continue
    if (random() < 0.1) await nextTurn()
    if (random() < 0.01) await pause(random() * 12)
    while (disposal === undefined && classifier.statistics().queued > 20) await nextTurn()
  }
  await Promise.all(open)
  await disposal
  const { queued, computing } = classifier.statistics()
  t.deepEqual([queued, computing], [0, 0])
  return counts
}
