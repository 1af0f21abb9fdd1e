/** One set of weights behind a program for one image and a program for many. */
import test from 'ava'
import { Batches } from '../../lib/inference/batches.js'
import { preResNet } from '../../lib/models/index.js'
import { compileWith } from '../../lib/runtime/compile.js'
import { inferAll, inTurn } from '../../lib/runtime/internals.js'
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

test('an inference that does not fit its program is refused, and says what would', async (t) => {
  await using session = await open(2)
  const refused = (images: readonly Uint8Array[], message: RegExp, program = 'infer'): Promise<unknown> =>
    t.throwsAsync(inferAll(session, program, images), { code: 'ERR_OPTION', message })
  await refused([image(1).subarray(1)], /images: expected 432 bytes each, got 431/)
  await refused([1, 2, 3].map(image), /images: expected at most 2 in a program without a loss, got 3 for infer/)
  await refused([], /expected images for a program that infers from pixels, got 0 for infer/)
  const infer = (images: unknown, outputs: unknown): Promise<unknown> => inTurn(session, (native) => native.infer('infer', images as never, outputs as never))
  await t.throwsAsync(infer(5, []), { code: 'ERR_OPTION', message: /infer: expected arrays of images and of outputs/ })
  await t.throwsAsync(infer(['pixels'], []), { code: 'ERR_OPTION', message: /images: expected a Uint8Array, got "pixels"/ })
  await t.throwsAsync(infer([image(1)], [{ name: 'logits', target: [] }]), { code: 'ERR_OPTION', message: /target: expected a Float32Array/ })
  await t.throwsAsync(infer([image(1)], [{ name: 'logit', target: new Float32Array(1) }]), { code: 'ERR_PARAMETER', message: /no tensor named "logit"/ })
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
