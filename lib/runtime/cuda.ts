/** What a CUDA device can be told, and whether there is one. */
import type { Choices } from '../compiler/lower/engines.js'
import type { LossScale } from '../compiler/options.js'
import type { DeviceName } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { invalid } from '../options/values.js'
import { checkInner, withDefaults } from '../options/check.js'
import { valueOption, type Given, type RunTable } from '../options/spec.js'
import { cudaOptions } from '../options/table.js'
import { emulationNow } from '../native/emulation.js'
import { loadBinding } from '../native/load.js'
import type { CudaSessionOptions } from '../native/types.js'

/** Those that are values of this room. */
export const ownCudaOptions = {
  /**
   * Time the kernels that could compute each distinct convolution, once, and remember the fastest on disk; or what was chosen before. Give true, false or
   * choices.
   * @default true
   */
  tune: valueOption<boolean | Choices>()({
    group: 'CUDA',
    help: 'time the kernels that could compute each distinct convolution, once, and remember the fastest on disk; or what was chosen before',
    accepts: 'true, false or choices',
    fallback: undefined,
    usual: 'true',
    decides: true,
    read(where, value) {
      if (typeof value === 'boolean' || (typeof value === 'object' && value !== null)) return value as boolean | Choices
      throw invalid(where, 'true, false or choices', value)
    },
    // Whether one chooses again decides nothing; what was chosen does.
    record: (value) => (typeof value === 'boolean' ? undefined : value),
  }),
  /** Told how many convolutions have been timed, before the first and after each; never called where all are remembered. Give a function. @default undefined */
  onTuning: valueOption<(done: number, total: number) => void>()({
    group: 'CUDA',
    help: 'told how many convolutions have been timed, before the first and after each; never called where all are remembered',
    accepts: 'a function',
    decides: false,
    read(where, value) {
      if (typeof value === 'function') return value as (done: number, total: number) => void
      throw invalid(where, 'a function', value)
    },
    record: () => undefined,
  }),
} satisfies RunTable

/** `cuda`: what a CUDA device can be told. */
export const cudaTable: typeof cudaOptions & typeof ownCudaOptions = { ...cudaOptions, ...ownCudaOptions }

/** These settings are for device `cuda`; they are an error on others. */
export type CudaSettings = Given<typeof cudaTable>

/** @internal Checked; `architecture` is the device's. */
export interface CudaDevice {
  readonly session: CudaSessionOptions
  readonly architecture: number
  readonly lossScale: LossScale | undefined
  readonly tune: boolean | Choices
  readonly onTuning: CudaSettings['onTuning']
}

/** @internal Undefined on other devices. ERR_DEVICE where the device is not there, with the reason. */
export function cudaDevice(where: string, device: DeviceName, settings: CudaSettings | undefined): CudaDevice | undefined {
  const given = readCudaSettings(`${where}: cuda`, settings ?? {})
  if (device !== 'cuda') {
    // Who would show progress wherever there is some asks for nothing.
    if (Object.keys(given).some((name) => name !== 'onTuning')) throw invalid(`${where}: cuda`, `none on device ${device}`, settings)
    return undefined
  }
  // Nothing is learnt by timing kernels that are emulated.
  const { tune = emulationNow() === undefined, onTuning, lossScale, ...session } = withDefaults(cudaTable, given)
  const information = loadBinding().cuda(session.index)
  if (information.problem !== '') throw new PreresnetError('ERR_DEVICE', `device: ${JSON.stringify(device)} was asked for, but ${information.problem}`)
  return { session, architecture: information.device?.architecture ?? 0, lossScale, tune, onTuning }
}

/** @internal `where` names the option itself. */
export const readCudaSettings = (where: string, settings: unknown): CudaSettings => checkInner(where, cudaTable, settings)

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
