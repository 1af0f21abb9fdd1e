/** The state of the loss scale on a CUDA device: tensor `lossScale`, eight numbers that operation `sgd` of native/ops/contracts.json describes. */
import type { LossScale } from '../compiler/options.js'
import type { ProgramSet } from '../compiler/program.js'
import { lossScaleStart, updateIn } from '../compiler/update.js'
import type { NativeSession } from '../native/types.js'

export const lossScaleTensor = 'lossScale'

/** Whether gradients are multiplied on their way back: in programs that train on a CUDA device. */
export function hasLossScale({ tensors }: ProgramSet): boolean {
  return tensors.some(({ name }) => name === lossScaleTensor)
}

export function lossScaleIsDynamic({ programs }: ProgramSet): boolean {
  const update = updateIn(programs['train']?.operations ?? [])
  return (update?.attributes.growthInterval ?? 0) > 0
}

/** Its start value, into programs that have one; whether they have. */
export async function writeLossScale(native: Pick<NativeSession, 'write'>, programs: ProgramSet, lossScale: LossScale): Promise<boolean> {
  if (!hasLossScale(programs)) return false
  await native.write(lossScaleTensor, lossScaleStart(lossScale))
  return true
}

interface LossScaleState {
  readonly scale: number
  /** In a row, since the scale last changed. */
  readonly goodSteps: number
  readonly overflow: boolean
  /** Since the start of training. */
  readonly skippedSteps: number
}

export async function readLossScale(native: Pick<NativeSession, 'read'>): Promise<LossScaleState> {
  return lossScaleState(await native.read(lossScaleTensor))
}

function lossScaleState(values: ArrayLike<number>): LossScaleState {
  const [scale, , goodSteps, overflow, skippedSteps] = Array.from(values) as [number, number, number, number, number]
  return { scale, goodSteps, overflow: overflow !== 0, skippedSteps }
}

/** What gradients of the last step were multiplied by: the scale may have changed at its end. */
export function scaleOfLastStep({ scale, goodSteps, overflow }: LossScaleState, dynamic: boolean): number {
  if (!dynamic) return scale
  if (overflow) return scale * 2
  return goodSteps === 0 ? scale / 2 : scale
}
