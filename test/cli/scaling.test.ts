/** The model of scaling against values that were worked out by hand from the formulas of docs/ranks.md. */
import test from 'ava'
import { reductionOf, scalingRows } from '../../lib/cli/scaling.js'
import { preresnet } from './run.js'

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-12 + 1e-9 * Math.abs(b)

test('two buckets over four ranks: four parts of 65,536 values each', (t) => {
  const { sent, sentByRing, seconds, secondsByRing } = reductionOf(2 ** 19, 4, { bandwidth: 1e9, latency: 1e-5 })
  // Twice (bucket) twice (to and fro) three parts of 262,144 bytes.
  t.is(sent, 3_145_728)
  t.is(sentByRing, 3_145_728)
  // 6 exchanges of 2 hops each, 10 microseconds a hop.
  t.true(near(seconds, 120e-6 + 3.145728e-3), String(seconds))
  // 6 messages one after another, and the 2 small exchanges.
  t.true(near(secondsByRing, 60e-6 + 40e-6 + 3.145728e-3), String(secondsByRing))
})

test('few values: parts are whole cache lines, so more is sent than in a ring', (t) => {
  const { sent, sentByRing } = reductionOf(100, 3, { bandwidth: 1e9, latency: 0 })
  // A part has 48 values instead of 33.3; to and fro, to two others.
  t.is(sent, 2 * 2 * 48 * 4)
  t.true(near(sentByRing, (4 * 100 * 4) / 3))
})

test('one rank exchanges nothing', (t) => {
  t.deepEqual(reductionOf(1000, 1, { bandwidth: 1, latency: 1 }), { sent: 0, sentByRing: 0, seconds: 0, secondsByRing: 0 })
})

test('a step with and without overlap, from one rank to six', (t) => {
  const rows = scalingRows(2 ** 20, 6, { seconds: 0.1, backward: 0.06 }, { bandwidth: 1e8, latency: 1e-3 })
  t.deepEqual(
    rows.map(({ ranks }) => ranks),
    [1, 2, 4, 6],
  )
  const [one, two, four] = rows
  t.like(one, { reductionSeconds: 0, stepSeconds: 0.1, efficiency: 1, overlappedStepSeconds: 0.1, overlappedEfficiency: 1 })
  // 4,194,304 bytes at 100 MB/s, and 10 exchanges of a millisecond.
  t.true(near(two!.reductionSeconds, 0.05194304))
  t.true(near(two!.stepSeconds, 0.15194304))
  t.true(near(two!.efficiency, 0.1 / 0.15194304))
  // Beside 45 ms of the backward pass 6.9 ms are left, but the last of four buckets takes 13.0.
  t.true(near(two!.overlappedStepSeconds, 0.1 + 0.05194304 / 4))
  // 6,291,456 bytes and 20 ms: more than the pass has time for.
  t.true(near(four!.reductionSeconds, 0.08291456))
  t.true(near(four!.overlappedStepSeconds, 0.1 + 0.08291456 - 0.045))
  t.true(near(four!.overlappedEfficiency, 0.1 / 0.13791456))
})

test('plan --ranks shows the program of one rank, and from a step of a given time the efficiency', async (t) => {
  const words = ['plan', 'preresnet-20', '--batch', '64', '--threads', '1', '--ranks', '4', '--network-bandwidth', '8', '--network-latency', '10']
  const { status, stdout } = await preresnet([...words, '--step-time', '30', '--json'])
  t.is(status, 0)
  const { batch, scaling } = JSON.parse(stdout) as { batch: number; scaling: Record<string, unknown> & { rows: { ranks: number; efficiency: number }[] } }
  t.is(batch, 16)
  // ResNet-20 has 269,722 values that are trained: one bucket and a small rest.
  t.like(scaling, { ranks: 4, gradientBytes: 4 * 269_722, buckets: 2, bytesPerSecond: 1e9, computeSeconds: 0.03 })
  t.true(near(scaling['backwardSeconds'] as number, 0.02))
  t.deepEqual(
    scaling.rows.map(({ ranks }) => ranks),
    [1, 2, 4],
  )
  t.true(scaling.rows.every(({ efficiency }, index) => index === 0 || efficiency < scaling.rows[index - 1]!.efficiency))
  const people = await preresnet(words)
  t.regex(people.stdout, /gradients of a step +1\.0 MiB, in 2 buckets\n/)
  t.regex(people.stdout, /With --time, or --step-time, also the time of a step and the efficiency from one rank to 4\./)
})

test('plan --ranks: what is missing or does not divide', async (t) => {
  const refused = async (words: readonly string[], message: RegExp): Promise<void> => {
    const { status, stderr } = await preresnet(['plan', 'preresnet-20', ...words])
    t.is(status, 2)
    t.regex(stderr, message)
  }
  const network = ['--network-bandwidth', '1', '--network-latency', '10']
  await refused(['--ranks', '4'], /--ranks: expected --network-bandwidth and --network-latency with it; preresnet doctor --distributed measures them/)
  await refused(network, /--network-bandwidth: expected --ranks with it, got none/)
  await refused(['--ranks', '3', '--batch', '64', ...network], /plan: ranks: expected a number of ranks that divides the batch \(64\), got 3/)
  await refused(['--ranks', '4', '--program', 'infer', ...network], /--program: expected "train" with --ranks, got "infer"/)
})
