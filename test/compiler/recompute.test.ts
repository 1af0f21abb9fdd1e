/** Sums of the residual stream that are computed again instead of kept: the same bits, and less memory. */
import test, { type ExecutionContext } from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import type { CompileOptions } from '../../lib/compiler/options.js'
import { planReport, type PlanReport } from '../../lib/compiler/report.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet, type PreResNetDescription } from '../../lib/models/index.js'
import { updateOptions } from '../../lib/runtime/optimizer.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { onDevice } from '../support/on_device.js'

const small = { height: 8, width: 8, channels: 3 }
const networks: Readonly<Record<string, PreResNetDescription>> = {
  'basic, option A': { family: 'cifar', depth: 32, block: 'basic', input: small },
  bottleneck: { family: 'cifar', depth: 47, block: 'bottleneck', input: small },
  'norm after the addition': { family: 'cifar', depth: 32, block: 'basic', unit: 'bn-after-addition', input: small },
  'constant scaling': { family: 'cifar', depth: 32, block: 'basic', unit: 'constant-scaling', input: small },
  original: { family: 'cifar', depth: 32, block: 'basic', unit: 'original', input: small },
  'exclusive gating': { family: 'cifar', depth: 32, block: 'basic', unit: 'exclusive-gating', gateBias: -2, input: small },
  'dropout on the shortcut': { family: 'cifar', depth: 32, block: 'basic', unit: 'dropout-shortcut', input: small },
  imagenet: { family: 'imagenet', units: [3, 4, 5, 2], widths: [32, 48, 64, 80], block: 'bottleneck', input: { height: 33, width: 33, channels: 3 } },
}

const places = [
  ['reference', 'fp64'],
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
  ['cuda-emulated', 'fp32'],
  ['cuda-emulated', 'fp16'],
] as const

type Place = (typeof places)[number]

async function open(description: PreResNetDescription, [device, precision]: Place, recompute: number): Promise<Session> {
  const network = preResNet({ ...description, classes: 5 })
  return onDevice(device, (device) => compile(network, { batch: 4, device, precision, seed: 2, optimizer: sgd(), recompute }))
}

/** Losses of three steps, and everything that they leave. */
async function trained(t: ExecutionContext, session: Session): Promise<Record<string, unknown>> {
  const { height, width, channels } = session.network.input
  const x = Float64Array.from({ length: 4 * height * width * channels }, (_, index) => Math.sin(index * 1.7))
  const losses: number[] = []
  for (let step = 0; step < 3; step++) losses.push((await session.step({ x, labels: Int32Array.of(0, 1, 2, 3) }, { learningRate: 0.02 })).loss)
  t.true(losses.every(Number.isFinite))
  const values = await Promise.all([...session.parameterNames, ...session.bufferNames].map((name) => session.parameter(name).read()))
  return { losses, values }
}

const operations = ({ programs }: Session): number => programs.programs['train']!.operations.length

for (const [name, description] of Object.entries(networks)) {
  for (const place of places) {
    test(`${name}, ${place.join(' ')}: recomputed sums change no bit`, async (t) => {
      await using kept = await open(description, place, 1)
      const expected = await trained(t, kept)
      for (const every of [2, 3]) {
        await using session = await open(description, place, every)
        t.true(operations(session) > operations(kept))
        t.deepEqual(await trained(t, session), expected)
      }
    })
  }
}

test('of every chain of sums each n-th is kept, and those after the last', async (t) => {
  // Three stages of five sums; the first of each lies behind a projection and stays. Of 3 and of 100 the last sums would be needed at once.
  const description = { family: 'cifar', depth: 47, block: 'bottleneck', input: small } as const
  const counts = await Promise.all(
    [1, 2, 3, 4, 100].map(async (every) => {
      await using session = await open(description, ['cpu', 'fp32'], every)
      return operations(session)
    }),
  )
  t.deepEqual(
    counts.map((count) => count - counts[0]!),
    [0, 2 + 2 + 2, 3 + 3 + 2, 3 + 3 + 3, 4 + 4 + 0],
  )
})

/** Programs for a device that need not be there. */
async function planned([device, precision]: readonly [CompileOptions['device'], CompileOptions['precision']], recompute: number): Promise<PlanReport> {
  const graph = buildGraph(preResNet({ family: 'cifar', depth: 83, block: 'bottleneck', classes: 10 }))
  return planReport(
    await compilePrograms(graph, {
      device,
      precision,
      recompute,
      batch: 4,
      programs: ['train'],
      input: { kind: 'tensor' },
      loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
      update: updateOptions(graph, sgd(), []),
    }),
  )
}

for (const place of [
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
  ['cuda', 'fp16'],
  ['cuda', 'bf16'],
  ['cuda', 'fp32'],
] as const) {
  test(`${place.join(' ')}: fewer activations are kept for the backward pass`, async (t) => {
    const [all, fewer] = [await planned(place, 1), await planned(place, 4)]
    // Two thirds of a unit's activations are its sum, of which a quarter stays.
    t.true(fewer.activationBytes < 0.6 * all.activationBytes, `${fewer.activationBytes} of ${all.activationBytes}`)
    t.true(fewer.arenas['activations']! < 0.8 * all.arenas['activations']!, `${fewer.arenas['activations']!} of ${all.arenas['activations']!}`)
    t.deepEqual(fewer.launches?.convolutions.forward, all.launches?.convolutions.forward)
  })
}

test('what is no number of sums', async (t) => {
  const network = preResNet('preresnet-20', { classes: 5 })
  for (const recompute of [0, 1.5, -2, true as unknown as number]) {
    await t.throwsAsync(compile(network, { batch: 2, optimizer: sgd(), recompute }), { code: 'ERR_OPTION', message: /compile: recompute: expected/ })
  }
})
