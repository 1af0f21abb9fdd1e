/** What `preresnet bench` prints. How large the figures are is no test's business. */
import test from 'ava'
import { measure } from '../../lib/cli/measure.js'
import { preResNet } from '../../lib/index.js'
import { emulated } from '../../lib/native/emulation.js'
import { preresnet } from './run.js'

const small = ['--family', 'cifar', '--depth', '8', '--widths', '16,16,32', '--image', '8', '--batch', '3', '--seconds', '0.1', '--threads', '1', '--json']

for (const work of ['train', 'infer']) {
  test(`${work}: the figures and what they are of`, async (t) => {
    const { status, stdout, stderr } = await preresnet(['bench', work, ...small])
    t.is(status, 0, stderr)
    const result = JSON.parse(stdout) as Record<string, number>
    t.like(result, { work, network: 'preresnet-8', batch: 3, device: 'cpu', threads: 1, sessions: 1 })
    const { median, minimum, maximum, imagesPerSecond, steps, peakBytes, parameters } = result
    t.true(0 < minimum! && minimum! <= median! && median! <= maximum!)
    t.true(minimum! <= imagesPerSecond! * 1.000001 && imagesPerSecond! <= maximum! * 1.000001)
    t.true(Number.isInteger(steps) && steps! >= 3)
    t.true(peakBytes! > 0)
    t.true(parameters! > 0)
  })
}

test('work that is neither training nor inference', async (t) => {
  const { status, stdout, stderr } = await preresnet(['bench', 'trian', ...small])
  t.is(status, 2)
  t.is(stdout, '')
  t.regex(stderr, /ERR_OPTION: .*expected "train" or "infer" \(did you mean "train"\?\), got "trian"/)
})

test('several sessions at a time share the threads', async (t) => {
  const shared = small.with(small.indexOf('--threads') + 1, '2')
  const { status, stdout, stderr } = await preresnet(['bench', 'infer', ...shared, '--sessions', '2'])
  t.is(status, 0, stderr)
  t.like(JSON.parse(stdout), { work: 'infer', batch: 3, threads: 2, sessions: 2 })
})

for (const [what, words, message] of [
  ['training', ['train', '--threads', '2', '--sessions', '2'], /several sessions at a time compute inference only, got 2 that train/],
  ['threads that they cannot share', ['infer', '--threads', '3', '--sessions', '2'], /expected a number of sessions that divides the 3 threads, got 2/],
] as const) {
  test(`refused, several sessions at a time: ${what}`, async (t) => {
    const { status, stderr } = await preresnet(['bench', words[0], 'preresnet-20', ...words.slice(1)])
    t.is(status, 2)
    t.regex(stderr, message)
  })
}

test("refused, several sessions at a time: a GPU that 'auto' takes", async (t) => {
  const network = preResNet({ family: 'cifar', depth: 8, classes: 10 })
  const measured = emulated({}, () => measure(network, { work: 'infer', batch: 1, sessions: 2, threads: 2, seconds: 0.1 }))
  await t.throwsAsync(measured, { code: 'ERR_OPTION', message: /several sessions at a time compute on a CPU only, got 2 on cuda/ })
})
