/** What a CUDA device can be told, and whether there is one. */
import type { Choices } from '../compiler/lower/engines.js'
import type { LossScale } from '../compiler/options.js'
import type { DeviceName } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { boolean, integer, invalid, knownKeys } from '../options.js'
import { emulationNow } from '../native/emulation.js'
import { loadBinding } from '../native/load.js'
import type { CudaSessionOptions } from '../native/types.js'

/** For device `cuda`; an error on others. */
export interface CudaSettings {
  /** Number of the device. @default 0 */
  readonly index?: number
  /**
   * Only algorithms whose results are the same bits in every run: on one model of GPU with one version of cuDNN. How sums are split follows from the number of
   * multiprocessors, so another model gives other roundings. @default false
   */
  readonly deterministic?: boolean
  /** Launches one by one instead of a captured graph; for debugging. @default false */
  readonly eager?: boolean
  /** What gradients are multiplied by on their way back; 'dynamic' halves it on overflow and doubles it after many good steps. @default 'dynamic' in fp16, else 1 */
  readonly lossScale?: LossScale
  /** Bytes that one convolution may take beside its tensors; 0: no limit. @default 0 */
  readonly workspaceLimit?: number
  /**
   * Bytes of datasets in memory (CIFAR, digits, your own) that are kept on the device as a whole, beside the session's memory; steps then send indices
   * instead of images. What is beyond that, or does not fit beside the session, stays on the host. 0: none. @default 512 MiB
   */
  readonly residentLimit?: number
  /** Time the kernels that could compute each distinct convolution, once, and remember the fastest on disk; or what was chosen before. @default true */
  readonly tune?: boolean | Choices
  /** Told how many convolutions have been timed, before the first and after each; never called where all are remembered. */
  readonly onTuning?: (done: number, total: number) => void
}

/** @internal Checked; `architecture` is the device's. */
export interface CudaPlace {
  readonly session: CudaSessionOptions
  readonly architecture: number
  readonly lossScale: LossScale | undefined
  readonly tune: boolean | Choices
  readonly onTuning: CudaSettings['onTuning']
}

/** @internal Undefined on other devices. ERR_DEVICE where the device is not there, with the reason. */
export function cudaPlace(where: string, device: DeviceName, settings: CudaSettings | undefined): CudaPlace | undefined {
  const given = checkCudaSettings(where, settings)
  if (device !== 'cuda') {
    // Who would show progress wherever there is some asks for nothing.
    if (Object.keys(given).some((name) => name !== 'onTuning')) throw invalid(`${where}: cuda`, `none on device ${device}`, settings)
    return undefined
  }
  const {
    index = 0,
    deterministic = false,
    eager = false,
    workspaceLimit = 0,
    residentLimit = 512 * 2 ** 20,
    lossScale,
    // Nothing is learnt by timing kernels that are emulated.
    tune = emulationNow() === undefined,
    onTuning,
  } = given
  const information = loadBinding().cuda(index)
  if (information.problem !== '') throw new PreresnetError('ERR_DEVICE', `device: ${JSON.stringify(device)} was asked for, but ${information.problem}`)
  const session = { index, deterministic, eager, workspaceLimit, residentLimit }
  return { session, architecture: information.device?.architecture ?? 0, lossScale, tune, onTuning }
}

/** @internal */
export function checkCudaSettings(where: string, settings: CudaSettings = {}): CudaSettings {
  knownKeys(`${where}: cuda`, settings, ['index', 'deterministic', 'eager', 'lossScale', 'workspaceLimit', 'residentLimit', 'tune', 'onTuning'])
  const { index, deterministic, eager, lossScale, workspaceLimit, residentLimit, tune, onTuning } = settings
  if (index !== undefined) integer(`${where}: cuda.index`, index, 0, 1023)
  if (deterministic !== undefined) boolean(`${where}: cuda.deterministic`, deterministic)
  if (eager !== undefined) boolean(`${where}: cuda.eager`, eager)
  if (lossScale !== undefined && lossScale !== 'dynamic' && !(typeof lossScale === 'number' && lossScale > 0)) {
    throw invalid(`${where}: cuda.lossScale`, '"dynamic" or a number above 0', lossScale)
  }
  if (tune !== undefined && typeof tune !== 'boolean' && !isObject(tune)) {
    throw invalid(`${where}: cuda.tune`, 'true, false or choices', tune)
  }
  if (onTuning !== undefined && typeof onTuning !== 'function') throw invalid(`${where}: cuda.onTuning`, 'a function', onTuning)
  if (workspaceLimit !== undefined) integer(`${where}: cuda.workspaceLimit`, workspaceLimit, 0)
  if (residentLimit !== undefined) integer(`${where}: cuda.residentLimit`, residentLimit, 0)
  return settings
}

/** @internal Whether device 'auto' may take the GPU. */
export function hasCuda(): boolean {
  try {
    loadBinding().cudaDevice(0)
    return true
  } catch (error) {
    if (error instanceof PreresnetError && error.code === 'ERR_DEVICE') return false
    throw error
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
