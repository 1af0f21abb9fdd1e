/** For which GPU and which arithmetic a program is lowered, and what was chosen for single layers. */
import type { ProgramOptions } from '../options.js'
import type { Precision } from '../program.js'
import { invalid } from '../../options/values.js'
import {
  type Choice,
  type Choices,
  hasPrecompiled,
  hasRuntimeCompiled,
  PLAIN,
  PRECOMPILED,
  preferredTier,
  RUNTIME_COMPILED,
  type Site,
  type Tier,
} from './engines.js'

export interface LoweringTarget {
  /** Compute capability: 90 for an H100. */
  readonly arch: number
  readonly precision: Precision
  /** Taken wherever its pattern exists, with no look at the table of engines. */
  readonly tier: Tier | undefined
  readonly choices: Choices
  /** Sums of runtime-compiled fusions are added in any order. */
  readonly deterministic: boolean
  /** Gathers what is chosen for, where somebody wants to know. */
  readonly seen?: Map<string, Site> | undefined
}

export const DEFAULT_ARCH = 90

/** Undefined: the device runs the compiler's operations as they are. */
export function targetOf({ device, precision, arch, choices, lowering, deterministic = false }: ProgramOptions): LoweringTarget | undefined {
  const cuda = device === 'cuda'
  if (!cuda && lowering === undefined) return undefined
  const own = cuda ? precision : (lowering?.precision ?? 'fp16')
  return { arch: arch ?? DEFAULT_ARCH, precision: own, tier: lowering?.tier, choices: choices ?? {}, deterministic }
}

/** Convolutions compute with copies of the weights, which somebody must refresh when the weights change. */
export function hasCopies({ precision }: LoweringTarget): boolean {
  return precision === 'fp16' || precision === 'bf16'
}

export function siteKey(site: Site): string {
  const { pass, images, channels, height, width, outputs, outputHeight, outputWidth, kernel, stride, padding, wants } = site
  const words = [pass, images, `${channels}x${height}x${width}`, `${outputs}x${outputHeight}x${outputWidth}`]
  return [...words, 'kernel', kernel, 'stride', stride, 'padding', padding, ...wants].join(' ')
}

/** ERR_OPTION for a choice whose pattern does not exist. */
export function choose(target: LoweringTarget, site: Site): Choice {
  const key = siteKey(site)
  target.seen?.set(key, site)
  const chosen = target.choices[key]
  if (chosen !== undefined) {
    if (!possible(target, site, chosen.tier, true)) throw invalid(`compile: choices[${JSON.stringify(key)}].tier`, 'one whose pattern exists', chosen.tier)
    return chosen
  }
  const forced = target.tier !== undefined
  const tier = target.tier ?? preferredTier(target.arch, target.precision)
  return { tier: possible(target, site, tier, forced) ? tier : PLAIN, engine: -1 }
}

function possible({ arch, precision, deterministic }: LoweringTarget, site: Site, tier: Tier, forced: boolean): boolean {
  switch (tier) {
    case PLAIN:
      return true
    case PRECOMPILED:
      // A pattern exists whatever the GPU; whether it has an engine is cuDNN's answer to who insists.
      return hasPrecompiled(forced ? DEFAULT_ARCH : arch, precision, site)
    case RUNTIME_COMPILED:
      return hasRuntimeCompiled(precision, site) && !(deterministic && site.wants.includes('sums'))
  }
}
