/** Networks that train while dead ranges of the activation arena are filled with NaNs between operations. */
import type { ExecutionContext } from 'ava'
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet, type PreResNetDescription } from '../../lib/models/index.js'
import { loadBinding } from '../../lib/native/load.js'
import { matrix } from './matrix.js'
import { onDevice } from './on_device.js'

const small = { height: 8, width: 8, channels: 3 }
const networks: Readonly<Record<string, PreResNetDescription & { readonly activationCheckpointing?: number; readonly accumulate?: number }>> = {
  'pre-activation, basic, option A': { family: 'cifar', depth: 14, block: 'basic', input: small },
  'pre-activation, bottleneck': { family: 'cifar', depth: 20, block: 'bottleneck', input: small },
  'bottleneck, recomputed': { family: 'cifar', depth: 38, block: 'bottleneck', input: small, activationCheckpointing: 3 },
  original: { family: 'cifar', depth: 14, block: 'basic', unit: 'original', input: small },
  'exclusive gating': { family: 'cifar', depth: 14, block: 'basic', unit: 'exclusive-gating', gateBias: -2, input: small },
  imagenet: { family: 'imagenet', units: [1, 1, 1, 1], widths: [32, 48, 64, 80], block: 'bottleneck', input: { height: 33, width: 33, channels: 3 } },
  accumulated: { family: 'cifar', depth: 14, block: 'basic', input: small, accumulate: 4 },
}

const devices = [
  ['cpu', 'fp32'],
  ['cpu', 'bf16'],
  ['cuda-emulated', 'fp32'],
  ['cuda-emulated', 'bf16'],
  ['cuda-emulated', 'fp16'],
] as const

type Description = (typeof networks)[string]
interface Case {
  readonly name: string
  readonly description: Description
  readonly device: (typeof devices)[number]
}

/** Each kind of device, and the programs that differ most. */
const quick = [
  'pre-activation, basic, option A, cpu fp32',
  'pre-activation, basic, option A, cuda-emulated fp16',
  'bottleneck, recomputed, cpu bf16',
  'imagenet, cpu fp32',
  'accumulated, cpu fp32',
]

export const poisonings = matrix<Case>(
  Object.entries(networks).flatMap(([name, description]) =>
    devices.filter(([device]) => device === 'cpu' || description.accumulate === undefined).map((device) => ({ name, description, device })),
  ),
  ({ name, device }) => quick.includes(`${name}, ${device.join(' ')}`),
)

export function titleOf({ name, device }: Case): string {
  return `${name}, ${device.join(' ')}: garbage in dead memory changes no bit`
}

export async function sameBits(
  t: ExecutionContext,
  { description: { activationCheckpointing, accumulate = 1, ...options }, device: [device, precision] }: Case,
): Promise<void> {
  const network = preResNet({ ...options, classes: 5 })
  const graph = buildGraph(network)
  const settings = Object.fromEntries(graph.parameters.map((parameter) => [parameter.name, { decay: 1e-3, rate: 1 }]))
  const set = await compilePrograms(graph, {
    device: device === 'cpu' ? 'cpu' : 'cuda',
    precision,
    batch: 4,
    programs: ['train', 'evaluate'],
    input: accumulate > 1 ? { kind: 'images', height: 8, width: 8, pad: 0, mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] } : { kind: 'tensor' },
    activationCheckpointing: activationCheckpointing ?? 1,
    accumulate,
    loss: { kind: 'crossEntropy', smoothing: 0.1, softTargets: false },
    update: { momentum: 0.9, nesterov: true, clipNorm: 0, settings },
  })
  const text = await serializePrograms(set)
  const values = (count: number, seed: number): Float64Array => Float64Array.from({ length: count }, (_, index) => Math.sin(seed + index * 1.7) * 0.5)
  const train = async (poison: boolean): Promise<Buffer[]> => {
    const session = await onDevice(device, () => loadBinding().createSession(text, { threads: 2 }))
    await session.allocate()
    for (const [index, parameter] of [...graph.parameters, ...graph.buffers].entries()) {
      const count = parameter.shape.reduce((product, size) => product * size, 1)
      const positive = parameter.init.kind === 'constant' && parameter.init.value === 1
      await session.write(
        parameter.name,
        values(count, index).map((value) => (positive ? 1 + 0.2 * value : 0.3 * value)),
      )
    }
    const { height, width, channels } = network.input
    const pixels = 4 * channels * height * width
    if (accumulate === 1) await session.write('x', values(pixels, 99))
    else
      await session.write(
        'images',
        Uint8Array.from(values(pixels, 99), (value) => 128 + 200 * value),
      )
    await session.write('labels', Int32Array.of(0, 1, 2, 3))
    if (device === 'cuda-emulated') await session.write('lossScale', Float64Array.of(64, 1 / 64, 0, 0, 0, 0, 0, 0))
    await session.run('train', { steps: 3, seed: 1, firstStep: 0, learningRates: Float64Array.of(0.002, 0.002, 0.002), poison })
    await session.run('evaluate', { steps: 1, seed: 1, firstStep: 0, learningRates: new Float64Array(0), poison })
    const results: Buffer[] = []
    for (const tensor of ['logits', 'metrics', ...settingsAndBuffers]) results.push(Buffer.from((await session.read(tensor)).buffer))
    await session.dispose()
    return results
  }
  const settingsAndBuffers = [...Object.keys(settings), ...graph.buffers.map((buffer) => buffer.name), ...Object.keys(settings).map((key) => `velocity/${key}`)]
  const [clean, poisoned] = [await train(false), await train(true)]
  t.true(clean.every((result, index) => result.equals(poisoned[index]!)))
  t.true(new Float64Array(clean[0]!.buffer, clean[0]!.byteOffset, clean[0]!.length / 8).every(Number.isFinite))
}
