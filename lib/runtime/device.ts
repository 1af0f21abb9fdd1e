/** Which executor and which arithmetic a session takes. */
import type { DeviceName, Precision } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { oneOf } from '../options.js'
import { loadBinding } from './binding.js'

export const deviceChoices = ['auto', 'cpu', 'reference', 'cuda'] as const
export const precisionChoices = ['auto', 'fp32', 'bf16', 'bf16-native', 'fp64'] as const
export type DeviceChoice = (typeof deviceChoices)[number]
export type PrecisionChoice = (typeof precisionChoices)[number]

const able: Readonly<Record<DeviceName, readonly Precision[]>> = { cpu: ['fp32', 'bf16', 'bf16-native'], reference: ['fp64'] }

/** Whether this processor multiplies bf16 by instructions of its own. */
export function nativeBf16(): boolean {
  const sets = loadBinding().system['instructionSets'] as readonly string[]
  return ['avx512_bf16', 'amx_bf16'].some((name) => sets.includes(name))
}

/** Never falls back from what was asked for. 'auto' takes the CPU, and there fp32; `compile` measures what is faster (precision.ts). */
export function chooseDevice(
  device: DeviceChoice = 'auto',
  precision: PrecisionChoice = 'auto',
  hasNativeBf16: () => boolean = nativeBf16,
): { device: DeviceName; precision: Precision } {
  oneOf('device', device, deviceChoices)
  oneOf('precision', precision, precisionChoices)
  if (device === 'cuda')
    throw new PreresnetError('ERR_DEVICE', 'device: "cuda" was asked for, but this build has no CUDA executor; "cpu" and "reference" are there')
  const taken: DeviceName = device === 'auto' ? 'cpu' : device
  if (precision === 'auto') return { device: taken, precision: able[taken][0]! }
  if (!able[taken].includes(precision)) {
    throw new PreresnetError('ERR_DEVICE', `precision: the ${taken} executor computes in ${able[taken].join(' or ')}, got ${JSON.stringify(precision)}`)
  }
  if (precision === 'bf16-native' && !hasNativeBf16()) {
    throw new PreresnetError(
      'ERR_DEVICE',
      `precision: "bf16-native" was asked for, but this processor has no instructions for bf16 (AVX512_BF16 or AMX): ${String(loadBinding().system['cpu'])}`,
    )
  }
  return { device: taken, precision }
}
