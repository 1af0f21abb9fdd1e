/** One set of weights behind a program for one image and a program for many. */
import test from 'ava'
import { Batches } from '../../lib/inference/batches.js'
import { preResNet } from '../../lib/models/index.js'
import { compileWith } from '../../lib/runtime/compile.js'
import { inTurn } from '../../lib/runtime/internals.js'
import type { Session } from '../../lib/runtime/session.js'
import { randomBytes } from '../support/bytes.js'

const side = 12
const network = preResNet({ family: 'cifar', depth: 8, widths: [16, 16, 16], classes: 5, input: { height: side, width: side, channels: 3 } })
const prepare = { normalization: { mean: [0.5, 0.4, 0.5], std: [0.2, 0.3, 0.2] } }
const image = (seed: number): Uint8Array => randomBytes(side * side * 3, seed)

type Programs = Parameters<typeof compileWith>[2]
const open = (batch: number, programs: Programs = Batches.programs(batch)): Promise<Session> =>
  compileWith(network, { device: 'cpu', precision: 'fp32', threads: 1, evaluation: false, prepare, seed: 4, batch }, programs)

test('a lone image goes through the program for one where there is one, several through the other, to the same bits', async (t) => {
  await using session = await open(4, () => Batches.programs(4)('cuda'))
  const batches = new Batches(session)
  const read = (name: string): Promise<unknown> => inTurn(session, (native) => native.read(name))
  const images = [1, 2, 3].map(image)
  const [alone] = await batches.infer([images[1]!])
  t.deepEqual(await read('infer@1/images'), images[1])
  t.deepEqual(await read('images'), new Uint8Array(4 * side * side * 3))
  const together = await batches.infer(images)
  t.deepEqual(together[1], alone)
  t.deepEqual(await read('infer@1/images'), images[1])
  t.is(new Set(together.map(({ logits }) => logits.join())).size, 3, 'images differ, and so do answers')
})

test('on a CPU there is one program, to the same bits for one image and for many', async (t) => {
  t.deepEqual(Batches.programs(1)('cuda'), [])
  await using session = await open(4)
  t.deepEqual(Object.keys(session.programs.programs), ['infer'])
  await using single = await open(1)
  const images = [1, 2, 3].map(image)
  const together = await new Batches(session).infer(images)
  for (const [index, one] of images.entries()) {
    t.deepEqual((await new Batches(session).infer([one]))[0], together[index])
    t.deepEqual((await new Batches(single).infer([one]))[0], together[index])
  }
})

test('features are what the head reads: logits are its product with them, probabilities their softmax', async (t) => {
  await using session = await open(3)
  const found = await new Batches(session).infer([image(1), image(2)])
  const [weight, bias] = await Promise.all([session.parameter('head.fc.weight').read(), session.parameter('head.fc.bias').read()])
  for (const { probabilities, logits, features } of found) {
    t.deepEqual([probabilities.length, logits.length, features!.length], [5, 5, 16])
    const products = [...logits.keys()].map((row) => features!.reduce((sum, value, column) => sum + value * weight[row * 16 + column]!, bias[row]!))
    products.forEach((value, row) => t.true(Math.abs(value - logits[row]!) < 1e-5))
    const shares = products.map(Math.exp)
    const sum = shares.reduce((a, b) => a + b)
    shares.forEach((share, row) => t.true(Math.abs(share / sum - probabilities[row]!) < 1e-5))
  }
})
