/** A small ResNet that trains on the emulated CUDA device, and everything that its steps leave. */
import { preResNet } from '../../lib/models/index.js'
import type { Network } from '../../lib/layers/layer.js'
import type { CudaSettings } from '../../lib/runtime/cuda.js'
import { compile } from '../../lib/runtime/compile.js'
import type { BatchSize, SessionOptions } from '../../lib/runtime/session_options.js'
import type { Session } from '../../lib/runtime/session.js'
import { sgd } from '../../lib/training/sgd.js'
import { emulated, type Emulation } from '../../lib/native/emulation.js'

export const BATCH = 4

/** Widths of 8 and more keep it quick; shortcuts with and without projection. */
export function smallNetwork(depth: number): Network {
  return preResNet({
    family: 'cifar',
    depth,
    block: 'basic',
    shortcut: 'projection',
    widths: [8, 8, 16],
    classes: 10,
    input: { height: 8, width: 8, channels: 3 },
  })
}

/** `compile` for the emulated device. */
export async function onGpu(network: Network, options: SessionOptions & BatchSize, emulation: Emulation = {}): Promise<Session> {
  return emulated(emulation, () => compile(network, { device: 'cuda', ...options }))
}

export async function openSmall(depth: number, cuda: CudaSettings, more: Partial<SessionOptions> = {}, emulation: Emulation = {}): Promise<Session> {
  const options = { device: 'cuda', precision: 'fp16', batch: BATCH, seed: 3, optimizer: sgd(), ...more } as const
  return onGpu(smallNetwork(depth), { ...options, ...(options.device === 'cuda' && { cuda: { lossScale: 1024, ...cuda } }) }, emulation)
}

/** Values of step `step`, the same in every session. */
export function batchOf(step: number): { x: Float32Array; labels: Int32Array } {
  const x = Float32Array.from({ length: BATCH * 3 * 64 }, (_, index) => Math.sin(index * 12.9898 + step * 78.233) * Math.cos(index * 3.7))
  return { x, labels: Int32Array.from({ length: BATCH }, (_, image) => (image * 3 + step) % 10) }
}

/** Losses, and the bits of everything that lasts. */
export async function everything(session: Session, losses: readonly number[]): Promise<string> {
  const parts: string[] = [losses.join()]
  const handles = [...session.parameterNames, ...session.bufferNames].map((name) => session.parameter(name))
  for (const handle of [...handles, ...session.trainedNames.map((name) => session.optimizerState(name))]) {
    const values = (await handle.read()) as Float32Array
    parts.push(`${handle.name} ${Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')}`)
  }
  return parts.join('\n')
}

/** Trains some steps and tells everything; sessions are closed. */
export async function trained(
  depth: number,
  cuda: CudaSettings,
  steps: number,
  more: Partial<SessionOptions> = {},
  emulation: Emulation = {},
): Promise<string> {
  await using session = await openSmall(depth, cuda, more, emulation)
  const losses: number[] = []
  for (let step = 0; step < steps; step++) losses.push((await session.step(batchOf(step), { learningRate: 0.05 })).loss)
  return await everything(session, losses)
}
