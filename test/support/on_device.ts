/** Devices as tests name them: the emulated GPU is one of its own. */
import type { DeviceName } from '../../lib/compiler/program.js'
import { emulated, type Emulation } from '../../lib/native/emulation.js'

export type TestDevice = DeviceName | 'cuda-emulated'

/** Runs `work` with the device's name in programs, and where that is the emulated one. */
export function onDevice<T, D extends string>(device: D | 'cuda-emulated', work: (device: D | 'cuda') => T, emulation: Emulation = {}): T {
  return device === 'cuda-emulated' ? emulated(emulation, () => work('cuda')) : work(device)
}
