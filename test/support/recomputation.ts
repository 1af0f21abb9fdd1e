/** Networks whose steps are repeated with recomputed sums, and everything that the steps leave. */
import type { ExecutionContext } from 'ava'
import { preResNet, type PreResNetDescription } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { bitsDiffer } from './compare.js'
import { matrix } from './matrix.js'
import { onDevice } from './on_device.js'

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

const devices = [
  ['reference', 'fp64'],
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
  ['cuda-emulated', 'fp32'],
  ['cuda-emulated', 'fp16'],
] as const

type Device = (typeof devices)[number]

/** Recomputes all but every n-th sum. */
export async function open(description: PreResNetDescription, [device, precision]: Device, activationCheckpointing: number): Promise<Session> {
  const network = preResNet({ ...description, classes: 5 })
  return onDevice(device, (device) => compile(network, { batch: 4, device, precision, seed: 2, optimizer: sgd(), activationCheckpointing }))
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

export const operations = ({ programs }: Session): number => programs.programs['train']!.operations.length

interface Case {
  readonly name: string
  readonly description: PreResNetDescription
  readonly device: Device
}

export const recomputations = matrix<Case>(
  Object.entries(networks).flatMap(([name, description]) => devices.map((device) => ({ name, description, device }))),
  ({ name, device: [device, precision] }) => ['bottleneck cpu bf16', 'basic, option A cuda-emulated fp16'].includes(`${name} ${device} ${precision}`),
)

export function titleOf({ name, device }: Case): string {
  return `${name}, ${device.join(' ')}: recomputed sums change no bit`
}

export async function sameBits(t: ExecutionContext, { description, device }: Case): Promise<void> {
  await using kept = await open(description, device, 1)
  const expected = await trained(t, kept)
  for (const every of [2, 3]) {
    await using session = await open(description, device, every)
    t.true(operations(session) > operations(kept))
    t.is(bitsDiffer(await trained(t, session), expected), undefined)
  }
}
