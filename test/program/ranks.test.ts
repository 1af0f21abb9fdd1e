/** Programs that several processes run together: what the verifier refuses. */
import test from 'ava'
import { loadBinding } from '../../lib/native/load.js'
import { nativeRanks } from '../support/ranks.js'
import { tinyPrograms } from '../support/tiny.js'

interface Operation {
  op: string
  operands: Record<string, number>
  attributes: { ranks: number; fast?: boolean; offsets: number[]; lengths: number[] }
}
interface Loose {
  arenas: Record<string, number>
  tensors: { name: string; arena: string; offset: number; bytes: number }[]
  programs: { train: { operations: Operation[] } }
}

type Change = readonly [what: string, change: (operations: Operation[], set: Loose) => void, message: RegExp]
const place = (operations: Operation[], op: string): number => operations.findIndex((operation) => operation.op === op)
const first = (operations: Operation[], op: string): Operation => operations[place(operations, op)]!

/** Behind the only bucket, with no sums before it, into memory of their own. */
function sumLate(all: Operation[], { tensors, arenas }: Loose): void {
  const begin = place(all, 'all_reduce_begin')
  all.splice(
    all.findLastIndex(({ op }) => op === 'all_reduce_begin'),
    1,
  )
  const end = all.findIndex((operation, index) => index > begin && operation.op === 'conv_backward')
  const { sums } = all[end]!.operands
  const total = tensors.push({ ...tensors[sums!]!, name: 'total', offset: arenas['activations']! }) - 1
  arenas['activations']! += 1024
  all.splice(end + 1, 0, { ...all[begin]!, op: 'all_reduce_sums', operands: { sums: sums!, total }, attributes: { ranks: 2 } as Operation['attributes'] })
}

const begun: readonly Change[] = [
  ['other ranks', (all) => (first(all, 'all_reduce_begin').attributes.ranks = 3), /expected all_reduce over 3 ranks/],
  ['an end that is missing', (all) => all.splice(place(all, 'all_reduce'), 1), /expected all_reduce over 2 ranks/],
  ['another order of adding', (all) => (first(all, 'all_reduce_begin').attributes.fast = true), /expected segments of the all_reduce behind it, each once/],
  [
    'a bucket behind the end',
    (all) => {
      const [bucket] = all.splice(place(all, 'all_reduce_begin'), 1)
      all.splice(place(all, 'all_reduce') + 1, 0, bucket!)
    },
    /expected segments of the all_reduce behind it, each once/,
  ],
  [
    'a bucket twice',
    (all) => all.splice(place(all, 'all_reduce'), 0, first(all, 'all_reduce_begin')),
    /expected segments of the all_reduce behind it, each once/,
  ],
  ['a part of a segment', (all) => (first(all, 'all_reduce_begin').attributes.lengths[0]! -= 1), /expected segments of the all_reduce behind it, each once/],
  [
    'a bucket before its gradients',
    (all) => all.splice(place(all, 'conv_backward'), 0, ...all.splice(place(all, 'all_reduce_begin'), 1)),
    /expected segments that lie in gradients/,
  ],
  ['sums behind a bucket', sumLate, /expected no all_reduce_begin with all_reduce_sums/],
]

/** The gradients of the classifier, which are the first that are there, go on their way behind the loss. */
function beginEarly(all: Operation[]): void {
  const whole = first(all, 'all_reduce')
  const { offsets, lengths, ...others } = whole.attributes
  all.splice(place(all, 'linear_backward') + 1, 0, {
    ...whole,
    op: 'all_reduce_begin',
    operands: { gradients: whole.operands['gradients']! },
    attributes: { ...others, offsets: offsets.slice(-2), lengths: lengths.slice(-2) },
  })
}

const summed: readonly Change[] = [
  ['a bucket behind sums', beginEarly, /expected no all_reduce_begin with all_reduce_sums/],
  ['other ranks', (all) => (first(all, 'all_reduce_sums').attributes.ranks = 4), /expected all_reduce over 4 ranks/],
  ['one rank', (all) => (first(all, 'all_reduce_sums').attributes.ranks = 1), /expected ranks of at least 2, got 1/],
]

for (const [kind, options, changes] of [
  ['buckets', { reductionBucket: 1 }, begun],
  ['synchronized norms', { synchronizedBatchNorm: true }, summed],
] as const) {
  test(`programs of ranks are verified: ${kind}`, async (t) => {
    const made = async (): Promise<Loose> => JSON.parse(JSON.stringify(await tinyPrograms('cpu', { ranks: 2, ...options }))) as Loose
    const verified = async (set: Loose): Promise<void> => {
      const [ranks] = await nativeRanks(2)
      await (await loadBinding().createSession(JSON.stringify(set), { threads: 1, ranks: ranks! })).dispose()
    }
    await t.notThrowsAsync(made().then(verified))
    for (const [what, change, message] of changes) {
      const set = await made()
      change(set.programs.train.operations, set)
      await t.throwsAsync(verified(set), { code: 'ERR_PROGRAM', message }, what)
    }
  })
}
