/** Which executor and which arithmetic a session takes. */
import type { DeviceName, Precision } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { oneOf } from '../options.js'

export const deviceChoices = ['auto', 'cpu', 'reference', 'cuda', 'cuda-emulated'] as const
export const precisionChoices = ['auto', 'fp32', 'tf32', 'bf16', 'fp16', 'fp64'] as const
export type DeviceChoice = (typeof deviceChoices)[number]
export type PrecisionChoice = (typeof precisionChoices)[number]

/** What 'auto' takes comes first. */
const onCuda: readonly Precision[] = ['fp16', 'bf16', 'tf32', 'fp32']
const able: Readonly<Record<DeviceName, readonly Precision[]>> = { cpu: ['fp32', 'bf16'], reference: ['fp64'], cuda: onCuda, 'cuda-emulated': onCuda }

export function isCuda(device: DeviceName): device is 'cuda' | 'cuda-emulated' {
  return device === 'cuda' || device === 'cuda-emulated'
}

/**
 * Never falls back from what was asked for, whether it is there or not. 'auto' takes the GPU where `hasCuda` says there is one, else the CPU, and there
 * fp32: bf16 halves memory, but is not measured to be faster.
 */
export function chooseDevice(
  device: DeviceChoice = 'auto',
  precision: PrecisionChoice = 'auto',
  hasCuda: () => boolean = () => false,
): { device: DeviceName; precision: Precision } {
  oneOf('device', device, deviceChoices)
  oneOf('precision', precision, precisionChoices)
  const taken: DeviceName = device === 'auto' ? (hasCuda() ? 'cuda' : 'cpu') : device
  if (precision === 'auto') return { device: taken, precision: able[taken][0]! }
  if (!able[taken].includes(precision)) {
    throw new PreresnetError('ERR_DEVICE', `precision: the ${taken} executor computes in ${able[taken].join(' or ')}, got ${JSON.stringify(precision)}`)
  }
  return { device: taken, precision }
}
