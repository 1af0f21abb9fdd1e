/** Where and how to compute: the same options in every command that does. */
import type { LossScale } from '../compiler/options.js'
import { invalid } from '../options.js'
import type { CudaSettings } from '../runtime/cuda.js'
import { deviceChoices, precisionChoices } from '../runtime/device.js'
import { tuningProgress } from './progress.js'
import { choiceOption, flagOption, integerOption, type OptionSpec, type ValuesOf } from './option_spec.js'

export const placeOptions = {
  device: choiceOption('who computes', deviceChoices, 'auto'),
  precision: choiceOption(
    'types in memory and of arithmetic; auto: fp16 on CUDA, on the CPU what a short measurement at first use finds fastest',
    precisionChoices,
    'auto',
  ),
  threads: integerOption('threads; 0: what user, cores and cgroup allow', { minimum: 0, maximum: 1024, fallback: 0 }),
}

/** For commands that train. */
export const recomputeOption = {
  recompute: integerOption('keep every n-th sum of each residual stream for the backward pass and compute the others again: less memory, some more time', {
    minimum: 1,
    fallback: 1,
  }),
}

/** For a CUDA device; an error on another. */
export const cudaOptions = {
  cudaIndex: integerOption('on CUDA: number of the device', { minimum: 0, maximum: 1023 }),
  deterministic: flagOption('on CUDA: only algorithms whose results are the same bits in every run on the same model of GPU'),
  eager: flagOption('on CUDA: launches one by one, no captured graph'),
  workspaceLimit: integerOption('on CUDA: bytes that one convolution may take beside its tensors; 0: any', { minimum: 0 }),
  residentLimit: integerOption('on CUDA: bytes of datasets in memory that are kept on the device as a whole; 0: none (default: 512 MiB)', { minimum: 0 }),
}

const lossScale: OptionSpec<LossScale | undefined> = {
  metavar: 'dynamic|x',
  help: 'on CUDA: what gradients are multiplied by on their way back (default: dynamic in fp16, else 1)',
  fallback: undefined,
  parse: (text) => (text === 'dynamic' || Number.isNaN(Number(text)) ? text : Number(text)),
  read: (where, value) => {
    if (value === 'dynamic' || (typeof value === 'number' && value > 0)) return value
    throw invalid(where, '"dynamic" or a number above 0', value)
  },
}
/** For commands that train. */
export const cudaTrainingOptions = { ...cudaOptions, lossScale }

interface WithJson {
  readonly json: boolean
}
type CudaValues = Partial<ValuesOf<typeof cudaTrainingOptions>>

/** What was given, as the option `cuda` of `compile` and `fit`; with `json` the tuner's progress is not shown. */
export function cudaSettings({ json, cudaIndex, lossScale: scale, deterministic, eager, workspaceLimit, residentLimit }: CudaValues & WithJson): {
  readonly cuda?: CudaSettings
} {
  const onTuning = json ? undefined : tuningProgress(process.stderr.isTTY)
  const all = { index: cudaIndex, deterministic, eager, workspaceLimit, residentLimit, lossScale: scale, onTuning }
  const given = Object.entries(all).filter(([, value]) => value !== undefined)
  return given.length === 0 ? {} : { cuda: Object.fromEntries(given) }
}
