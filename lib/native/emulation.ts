/**
 * The emulated CUDA device: the library of device `cuda` with its kernels, streams and convolutions on the CPU. It is for tests, so it is no option of
 * anything: within `emulated` device `cuda` is that one.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** What the emulated device is told; native/cuda/settings.h. */
export interface Emulation {
  /** Which of the legal orders of a step is taken; 0: that of enqueueing. @default 0 */
  readonly scheduleSeed?: number
  /** The number of the event wait that is left out in each step; -1: none. @default -1 */
  readonly omitWait?: number
  /** Nothing is allocated or computed; `bytesMoved` counts what is launched. @default false */
  readonly recordOnly?: boolean
  /** Grids, and with them the order of sums, follow from it. @default 2 */
  readonly multiprocessors?: number
  /** Bytes that the device has; 0: what is free on the host. @default 0 */
  readonly memory?: number
}

const emulation = new AsyncLocalStorage<Emulation>()

/** Runs `work`, and whatever it starts, with the emulated device instead of the GPU. Sessions stay where they were made. */
export function emulated<T>(settings: Emulation, work: () => T): T {
  return emulation.run(settings, work)
}

/** The emulated device's settings within `emulated`. */
export function emulationNow(): Emulation | undefined {
  return emulation.getStore()
}
