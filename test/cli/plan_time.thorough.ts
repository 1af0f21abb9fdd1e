/** What `preresnet plan --time` prints. How large the figures are is no test's business. */
import test from 'ava'
import { preresnet } from './run.js'

const small = ['--family', 'cifar', '--depth', '8', '--widths', '16,16,32', '--image', '8', '--batch', '3', '--threads', '1']

interface Timed {
  readonly operations: readonly {
    readonly op: string
    readonly flops: number
    readonly milliseconds: number
    readonly flopsPerSecond: number
    readonly bytesPerSecond: number
    readonly shareOfPeak: number
    readonly bytesRead: number
    readonly bytesWritten: number
  }[]
  readonly milliseconds: number
  readonly peakFlops: number
  readonly peakBytes: number
  readonly threads?: number
}

for (const program of ['train', 'infer']) {
  test(`${program}: rates of every operation follow from its time`, async (t) => {
    const { status, stdout, stderr } = await preresnet(['plan', ...small, '--program', program, '--time', '--json'])
    t.is(status, 0, stderr)
    const { operations, milliseconds, peakFlops, peakBytes, threads } = JSON.parse(stdout) as Timed
    t.is(threads, 1)
    t.true(peakFlops > 0 && peakBytes > 0)
    t.true(operations.length > 10)
    const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.abs(b)
    for (const { op, flops, milliseconds: time, flopsPerSecond, bytesPerSecond, shareOfPeak, bytesRead, bytesWritten } of operations) {
      t.true(time > 0, op)
      t.true(near(flopsPerSecond, (flops / time) * 1000) && near(bytesPerSecond, ((bytesRead + bytesWritten) / time) * 1000), op)
      t.true(near(shareOfPeak, Math.max(flopsPerSecond / peakFlops, bytesPerSecond / peakBytes)), op)
    }
    t.true(
      near(
        milliseconds,
        operations.reduce((sum, operation) => sum + operation.milliseconds, 0),
      ),
    )
  })
}

for (const tier of ['plain', 'precompiled', 'runtime']) {
  test(`${tier} launches of a GPU, on the emulated device`, async (t) => {
    const words = ['--device', 'cuda-emulated', '--precision', 'fp16', '--tier', tier, '--time', '--json']
    const { status, stdout, stderr } = await preresnet(['plan', ...small, ...words])
    t.is(status, 0, stderr)
    const { operations, peakFlops, peakBytes, threads } = JSON.parse(stdout) as Timed
    t.true(peakFlops > 0 && peakBytes > 0)
    t.is(threads, undefined)
    t.is(
      operations.some(({ op }) => op === 'conv_backward_norm'),
      tier === 'precompiled',
    )
    for (const { op, flops, milliseconds, bytesRead, bytesWritten } of operations) {
      t.true(milliseconds > 0 && bytesRead + bytesWritten > 0, op)
      t.is(flops > 0, /^(conv|linear)/.test(op), op)
    }
  })
}

test('a GPU that is timed is the one that is there', async (t) => {
  const { status, stderr } = await preresnet(['plan', ...small, '--device', 'cuda-emulated', '--arch', '7', '--time'])
  t.is(status, 2)
  t.regex(stderr, /ERR_OPTION: --arch: expected the device's, \d+, with --time, got 7/)
})

test('arithmetic is that of direct convolutions', async (t) => {
  const { stdout } = await preresnet(['plan', ...small, '--json'])
  const { operations } = JSON.parse(stdout) as Timed
  // The stem: 3 images, 16 filters over 3 channels, 3 x 3, at 8 x 8 pixels.
  const stem = 2 * 3 * 16 * 3 * 9 * 64
  t.is(operations.find(({ op }) => op === 'conv')!.flops, stem)
  // Its backward pass has nobody before it to hand a gradient to.
  t.is(operations.filter(({ op }) => op === 'conv_backward').at(-1)!.flops, stem)
  t.is(operations.find(({ op }) => op === 'bn_finalize')!.flops, 0)
})

test('for people', async (t) => {
  const { status, stdout, stderr } = await preresnet(['plan', ...small, '--program', 'infer', '--time'])
  t.is(status, 0, stderr)
  t.regex(stdout, /^preresnet-8, infer, batch 3, cpu fp32\n\noperation +at +ms +GFLOP\/s +GB\/s +of peak\n/)
  t.regex(stdout, /^peak arithmetic, fp32 in registers +\d+\.\d GFLOP\/s on 1 threads, \w+$/m)
})

test('the reference is no executor to be timed', async (t) => {
  const { status, stderr } = await preresnet(['plan', ...small, '--device', 'reference', '--time'])
  t.is(status, 1)
  t.regex(stderr, /ERR_UNSUPPORTED: roofline: expected an executor that is meant to be fast/)
})
