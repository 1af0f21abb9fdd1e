/** Programs that a step runs several times: what the verifier refuses, what a run does where something is wrong in one of the times. */
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { bitsDiffer } from '../support/compare.js'
import { BATCH, fill, openSession, SIDE, tinyNetwork, tinyPrograms } from '../support/tiny.js'
import { loadBinding } from '../../lib/native/load.js'

type Program = {
  batch: number
  operations: { op: string; operands: Record<string, number>; attributes: Record<string, unknown> }[]
}
interface Loose {
  tensors: { name: string; arena: string }[]
  programs: { train: Program }
}

const four = async (device: 'cpu' | 'reference' = 'cpu'): Promise<Loose> => JSON.parse(JSON.stringify(await tinyPrograms(device, { accumulate: 4 }))) as Loose
const verified = async (set: Loose): Promise<void> => (await loadBinding().createSession(JSON.stringify(set), { threads: 1 })).dispose()
const accumulate = (set: Loose) => set.programs.train.operations.find(({ op }) => op === 'accumulate')!

const changes: readonly (readonly [what: string, change: (set: Loose) => void, message: RegExp])[] = [
  ['one time', (set) => (accumulate(set).attributes['times'] = 1), /expected times of at least 2, got 1/],
  ['levels that are missing', (set) => (accumulate(set).attributes['times'] = 5), /expected levels that wait 3, got 2/],
  ['other times than the images', (set) => (accumulate(set).attributes['times'] = 3), /expected 3 times 1 images, got 4/],
  [
    'an operation that is missing',
    ({ programs: { train } }) => (train.operations = train.operations.filter(({ op }) => op !== 'accumulate')),
    /expected 1 times 1 images, got 4/,
  ],
  [
    'an update that comes first',
    ({ programs: { train } }) => {
      train.operations.unshift(...train.operations.splice(-2).reverse())
      train.operations.push(train.operations.shift()!, train.operations.shift()!)
    },
    /expected the update after the accumulations/,
  ],
  [
    'two of them',
    (set) => set.programs.train.operations.splice(-1, 0, JSON.parse(JSON.stringify(accumulate(set))) as Program['operations'][number]),
    /expected at most one operation accumulate, got 2/,
  ],
  [
    'metrics without sums that wait',
    (set) => Reflect.deleteProperty(accumulate(set).operands, 'waitingMetrics'),
    /expected metrics and waitingMetrics together, got one of them/,
  ],
  [
    'a segment beside the gradients',
    (set) => ((accumulate(set).attributes['lengths'] as number[])[0]! += 1),
    /expected segments that lie in gradients of the program|that do not overlap/,
  ],
]

test('programs with accumulations are verified', async (t) => {
  await t.notThrowsAsync(four().then(verified))
  for (const [what, change, message] of changes) {
    const set = await four()
    change(set)
    await t.throwsAsync(verified(set), { code: 'ERR_PROGRAM', message }, what)
  }
})

/** Weights, what the optimizer keeps, and statistics. */
async function stateOf(session: Awaited<ReturnType<typeof openSession>>, { tensors }: Loose): Promise<Map<string, ArrayLike<number>>> {
  const kept = tensors.filter(({ arena }) => ['parameters', 'velocity', 'firstMoment', 'secondMoment', 'buffers'].includes(arena))
  return new Map(await Promise.all(kept.map(async ({ name }) => [name, await session.read(name)] as const)))
}

test('what is not finite in one accumulation ends the step and changes nothing', async (t) => {
  const settings = Object.fromEntries(buildGraph(tinyNetwork()).parameters.map(({ name }) => [name, { decay: 1e-4, rate: 1 }]))
  const lamb = { kind: 'lamb', beta1: 0.9, beta2: 0.999, epsilon: 1e-6, clipNorm: 1, settings } as const
  const cases = [
    ['cpu', {}],
    ['reference', {}],
    ['cpu', { update: lamb }],
  ] as const
  for (const [device, more] of cases) {
    const set = await tinyPrograms(device, { accumulate: 4, ...more })
    const session = await openSession(set)
    await fill(session)
    const { length } = await session.read('head.fc.weight')
    await session.write('head.fc.weight', new Float64Array(length).fill(NaN))
    const broken = await stateOf(session, set as unknown as Loose)
    const run = session.run('train', { steps: 1, seed: 1, firstStep: 0, learningRates: Float64Array.of(0.1), checkFinite: true })
    await t.throwsAsync(run, { code: 'ERR_NOT_FINITE', message: /step 0: the loss is not finite/ })
    t.is(bitsDiffer(await stateOf(session, set as unknown as Loose), broken), undefined, device)
    await session.dispose()
  }
})

test('all accumulations of a step are traced', async (t) => {
  const set = await tinyPrograms('cpu', { accumulate: 4 })
  const session = await openSession(set)
  await fill(session)
  await session.run('train', { steps: 1, seed: 1, firstStep: 0, learningRates: Float64Array.of(0.1), trace: true })
  const operations = set.programs['train']!.operations
  const repeated = operations.findIndex(({ op }) => op === 'accumulate') + 1
  t.is(session.trace().length, 3 * repeated + operations.length)
  t.is(set.programs['train']!.batch * 4, BATCH)
  t.deepEqual(set.tensors.find(({ name }) => name === 'images')!.shape, [BATCH, SIDE, SIDE, 3])
  await session.dispose()
})

test('launches of a GPU do not accumulate yet', async (t) => {
  for (const more of [{ device: 'cuda', precision: 'fp16' }, { lowering: { precision: 'fp16' } }] as const) {
    const message = /accumulate: expected 1 on device (cuda|reference), which has no kernels for accumulation yet, got 4/
    await t.throwsAsync(tinyPrograms('reference', { accumulate: 4, ...more }), { code: 'ERR_DEVICE', message })
  }
})
