/** What the rules choose is what cuDNN said it has: native/cuda/devices/plans.json. */
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import { PLAIN, type Site, type Tier } from '../../lib/compiler/lower/engines.js'
import { choose } from '../../lib/compiler/lower/target.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { imagenetDepths } from '../../lib/models/depth.js'
import { modelNames, type ModelName } from '../../lib/models/names.js'
import { compileOptions } from './lowered.js'
import { matrix } from './matrix.js'

/** Of each device, precision and pattern: 'all', 'none', 'crashes', or the layers that have no engine. */
interface Plans {
  readonly engines: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>>>
}
const plans = JSON.parse(readFileSync(new URL('../../../native/cuda/devices/plans.json', import.meta.url), 'utf8')) as Plans
const blocks: Readonly<Record<number, { readonly block: string }>> = imagenetDepths
const DEVICES = { 80: 'a100', 90: 'h100' } as const

/** In the words of scripts/cuda/patterns.mjs. */
function patternOf({ pass, wants }: Site, tier: Tier): string {
  const words = {
    // Precompiled convolutions always sum.
    forward: tier === PLAIN ? ['conv'] : [...(wants.includes('transform') ? ['BN-ReLU'] : []), 'conv', 'sums'],
    data: tier === PLAIN ? ['backward data'] : ['backward data', ...(wants.includes('add') ? ['add'] : []), 'mask', 'norm'],
    weights: tier === PLAIN ? ['backward weights'] : ['BN-ReLU', 'backward weights'],
  }[pass]
  return `${words.join(' + ')} (tier ${tier})`
}

function layerOf({ kernel, stride, channels, height, width, outputs }: Site): string {
  const padded = (count: number): number => Math.ceil(count / 8) * 8
  return `${kernel}x${kernel}/${stride} ${padded(channels)}x${height}x${width} to ${padded(outputs)}`
}

export const planned = matrix(Object.keys(modelNames) as ModelName[], (name) => ['preresnet-18', 'preresnet-20', 'preresnet-164'].includes(name))

export function planTitle(name: ModelName): string {
  return `${name}: every convolution that the rules choose has an engine`
}

export async function everyConvolutionHasAnEngine(t: ExecutionContext, name: ModelName): Promise<void> {
  const { depth, block = blocks[depth]?.block } = modelNames[name] as { depth: number; block?: string }
  for (const options of block === 'bottleneck' ? ([{ strideOn: 'conv1' }, { strideOn: 'conv2' }] as const) : [{}]) {
    const net = preResNet(name, options)
    const seen = new Map<string, Site>()
    await compilePrograms(buildGraph(net), compileOptions(net, { device: 'cuda', precision: 'fp16', batch: 128 }), seen)
    t.true(seen.size > 0)
    for (const arch of [80, 90] as const) {
      for (const site of seen.values()) {
        const { tier } = choose({ arch, precision: 'fp16', tier: undefined, choices: {}, deterministic: false }, site)
        const missing = plans.engines[DEVICES[arch]]!['fp16']![patternOf(site, tier)]!
        t.true(missing === 'all' || (Array.isArray(missing) && !missing.includes(layerOf(site))), `${arch}: ${patternOf(site, tier)}, ${layerOf(site)}`)
      }
    }
  }
}
