import test from 'ava'
import type { PlanReport } from '../../lib/compiler/report.js'
import { preresnet } from './run.js'

async function plan(...words: string[]): Promise<PlanReport> {
  const { status, stdout, stderr } = await preresnet(['plan', ...words, '--json'])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as PlanReport
}

test('sums are those of the operations', async (t) => {
  const report = await plan('preresnet-164', '--batch', '128', '--threads', '1')
  const sum = (key: 'bytesRead' | 'bytesWritten') => report.operations.reduce((total, operation) => total + operation[key], 0)
  t.is(report.bytesRead, sum('bytesRead'))
  t.is(report.bytesWritten, sum('bytesWritten'))
  t.is(report.bytesMoved, report.bytesRead + report.bytesWritten)
  t.true(report.scratchBytes > 0)
  const arenas = Object.entries(report.arenas).filter(([name]) => name !== 'gradients' || report.gradientsAt === undefined)
  t.is(report.peakBytes, report.scratchBytes + arenas.reduce((total, [, bytes]) => total + bytes, 0))
  t.true(report.activationBytes <= 0.55 * report.activationBytesUnfused)
  t.true(report.operations.some(({ op, fused }) => op === 'conv' && fused.length > 1))
})

test('half as many bytes for activations in bf16', async (t) => {
  const words = ['preresnet-20', '--batch', '8', '--threads', '1']
  const [fp32, bf16] = [await plan(...words), await plan(...words, '--precision', 'bf16')]
  t.true(bf16.activationBytes < 0.51 * fp32.activationBytes)
  t.is(bf16.precision, 'bf16')
})

test('gradients lie over activations that are dead, and recomputing keeps fewer', async (t) => {
  const words = ['preresnet-200', '--batch', '2', '--threads', '1']
  const [all, fewer] = [await plan(...words), await plan(...words, '--activation-checkpointing', '4')]
  for (const { gradientsAt, arenas } of [all, fewer]) {
    t.true(gradientsAt! < arenas['activations']!)
    t.true(gradientsAt! + arenas['gradients']! <= arenas['activations']!)
  }
  // Validation beside training keeps no packed weights, which would be twice this.
  t.true(all.scratchBytes < all.arenas['parameters']!)
  t.true(fewer.activationBytes < 0.7 * all.activationBytes)
  t.true(fewer.peakBytes < all.peakBytes)
})

test('for people', async (t) => {
  const { status, stdout } = await preresnet(['plan', 'preresnet-20', '--batch', '4', '--program', 'infer'])
  t.is(status, 0)
  t.regex(stdout, /^preresnet-20, infer, batch 4, cpu fp32\n\nphase +operation +at +fused +writes +read +written\n/)
  t.regex(stdout, /^all that a session allocates +\d/m)
})

/** Bytes an image that roofline arithmetic gives for this network on fused fp16 kernels: each tensor once a kernel that uses it. */
const ROOFLINE = 799.19e6

test('for a GPU that need not be there: ResNet-200 in fp16 on an H100', async (t) => {
  const report = await plan('preresnet-200', '--device', 'cuda', '--arch', '90', '--precision', 'fp16', '--batch', '128')
  t.is(report.device, 'cuda')
  // 66 bottlenecks of three, 4 projections, the stem; backward two of each but the gradient at the images.
  t.deepEqual(report.launches!.convolutions, { forward: 66 * 3 + 4 + 1, backward: 2 * (66 * 3 + 4 + 1) - 1 })
  t.deepEqual(report.launches!.operations, {
    input: 1,
    conv: 203,
    residual_add: 67,
    bn_finalize: 199,
    bn_relu_global_average_pool: 1,
    bn_relu_max_pool: 1,
    linear: 1,
    softmax_cross_entropy: 1,
    linear_backward: 3,
    global_average_pool_backward: 1,
    bn_backward: 2,
    bn_apply_backward: 199,
    conv_backward_weights: 203,
    conv_backward_norm: 197,
    conv_backward_data: 5,
    relu_backward: 1,
    max_pool_backward: 2,
    check_gradients: 1,
    sgd: 1,
  })
  t.is(
    report.launches!.total,
    report.operations.reduce((total, { launches }) => total + launches!, 0),
  )
  t.is(report.bytesMoved, 103_425_463_664)
  t.true(Math.abs(report.bytesMoved / 128 - ROOFLINE) <= 0.1 * ROOFLINE)
  t.true(report.activationBytes / 128 <= 65e6)
  t.true(report.activationBytes <= 0.55 * report.activationBytesUnfused)
})

test('launches for people, and once a group of statistics', async (t) => {
  const { status, stdout } = await preresnet(['plan', 'preresnet-20', '--device', 'cuda', '--batch', '4', '--precision', 'bf16'])
  t.is(status, 0)
  t.regex(stdout, /^preresnet-20, train, batch 4, cuda bf16\n/)
  t.regex(stdout, /^ {2}convolutions, forward +19\n {2}convolutions, backward +37$/m)
  t.regex(stdout, /^ {2}bn_relu +\d+$/m)
  const [one, two] = [
    await plan('preresnet-164', '--device', 'cuda', '--batch', '4'),
    await plan('preresnet-164', '--device', 'cuda', '--batch', '4', '--statistics-groups', '2'),
  ]
  t.is(one.precision, 'fp16')
  // The stem has neither sums of its own nor a transform to be grouped by; what reads no norm is one launch.
  t.true(two.launches!.convolutions.forward > 1.9 * one.launches!.convolutions.forward)
  t.is(two.operations.length, one.operations.length)
})

test('an architecture is for a GPU, and a precision for who has it', async (t) => {
  for (const words of [
    ['--arch', '90'],
    ['--device', 'cuda', '--precision', 'fp64'],
    ['--precision', 'fp16'],
  ]) {
    const { status, stderr } = await preresnet(['plan', 'preresnet-20', ...words])
    t.not(status, 0)
    t.regex(stderr, /ERR_(OPTION|DEVICE)|expected|computes in/)
  }
})
