/** One kind of kernel for every convolution of a GPU's program: for comparing kinds. */
import { PLAIN, PRECOMPILED, RUNTIME_COMPILED } from '../compiler/lower/engines.js'
import type { ProgramOptions } from '../compiler/options.js'
import type { DeviceName, Precision } from '../compiler/program.js'
import { invalid } from '../options/values.js'
import { choiceOption } from '../options/spec.js'

const tiers = { plain: PLAIN, precompiled: PRECOMPILED, runtime: RUNTIME_COMPILED } as const

export const tierOption = {
  tier: choiceOption({
    group: 'CUDA',
    help: 'the fusions to take wherever their pattern exists',
    choices: Object.keys(tiers) as (keyof typeof tiers)[],
    usual: 'by rule',
  }),
}

/** Nothing where no tier was asked for. ERR_OPTION on another device. */
export function loweringOf(
  tier: keyof typeof tiers | undefined,
  { device, precision }: { readonly device: DeviceName; readonly precision: Precision },
): Pick<ProgramOptions, 'lowering'> {
  if (tier === undefined) return {}
  if (device !== 'cuda') throw invalid('--tier', `none on device ${device}`, tier)
  return { lowering: { precision, tier: tiers[tier] } }
}
