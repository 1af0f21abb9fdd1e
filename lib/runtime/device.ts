/** Which executor and which arithmetic a session takes. */
import type { DeviceName, Precision } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import type { ValueOf } from '../options/spec.js'
import { deviceOptions } from '../options/table.js'
import { loadBinding } from '../native/load.js'

/** The device is 'auto' (the GPU where there is one, else the CPU), or is named. */
export type DeviceChoice = ValueOf<typeof deviceOptions.device>
/** The precision is 'auto' (fp16 on CUDA; on the CPU what a measurement finds fastest), or is named. */
export type PrecisionChoice = ValueOf<typeof deviceOptions.precision>

/** What 'auto' takes comes first. */
const onCuda: readonly Precision[] = ['fp16', 'bf16', 'tf32', 'fp32']
const able: Readonly<Record<DeviceName, readonly Precision[]>> = {
  cpu: ['fp32', 'bf16', 'bf16-native'],
  reference: ['fp64'],
  cuda: onCuda,
}

/** Whether this processor multiplies bf16 by instructions of its own. */
export function nativeBf16(): boolean {
  const sets = loadBinding().system['instructionSets'] as readonly string[]
  return ['avx512_bf16', 'amx_bf16'].some((name) => sets.includes(name))
}

/** What there is on this machine. */
export interface Machine {
  readonly hasCuda?: () => boolean
  readonly hasNativeBf16?: () => boolean
}

/**
 * Never falls back from what was asked for, whether it is there or not. 'auto' takes the GPU where `hasCuda` says there is one, and there fp16, else the
 * CPU, and there fp32; `compile` measures what is faster (precision.ts).
 */
export function chooseDevice(
  device: DeviceChoice = 'auto',
  precision: PrecisionChoice = 'auto',
  { hasCuda = () => false, hasNativeBf16 = nativeBf16 }: Machine = {},
): { device: DeviceName; precision: Precision } {
  deviceOptions.device.read('device', device)
  deviceOptions.precision.read('precision', precision)
  const taken: DeviceName = device === 'auto' ? (hasCuda() ? 'cuda' : 'cpu') : device
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
