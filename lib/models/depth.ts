/** Depth counts weighted layers: the stem, the convolutions of the units' branches, and the classifier. */
import { PreresnetError } from '../errors.js'
import { integer } from '../options/values.js'
import type { Block, Family } from './choices.js'

/** ImageNet's networks: units of each stage, by depth. */
export const imagenetDepths = {
  18: { block: 'basic', units: [2, 2, 2, 2] },
  34: { block: 'basic', units: [3, 4, 6, 3] },
  50: { block: 'bottleneck', units: [3, 4, 6, 3] },
  101: { block: 'bottleneck', units: [3, 4, 23, 3] },
  152: { block: 'bottleneck', units: [3, 8, 36, 3] },
  200: { block: 'bottleneck', units: [3, 24, 36, 3] },
} as const satisfies Readonly<Record<number, { readonly block: string; readonly units: readonly number[] }>>

const convolutions = { basic: 2, bottleneck: 3, 'one-layer': 1 } as const
const cifarStages = 3

export function depthOf(units: readonly number[], block: Block): number {
  return units.reduce((sum, count) => sum + count, 0) * convolutions[block] + 2
}

/** Units of each stage, or ERR_OPTION with the nearest legal depths. */
export function unitsOfDepth(depth: number, family: Family, block: Block): readonly number[] {
  integer('preResNet: depth', depth, 1)
  return family === 'cifar' ? cifarUnits(depth, block) : imagenetUnits(depth, block)
}

function cifarUnits(depth: number, block: Block): readonly number[] {
  const step = cifarStages * convolutions[block]
  const units = (depth - 2) / step
  if (units >= 1 && Number.isInteger(units)) return Array.from({ length: cifarStages }, () => units)
  const below = Math.floor(units) * step + 2
  const nearest = units < 1 ? `${step + 2}` : `${below} or ${below + step}`
  throw new PreresnetError('ERR_OPTION', `preResNet: depth: expected ${step}n + 2 for CIFAR's ${block} units (nearest: ${nearest}), got ${depth}`)
}

function imagenetUnits(depth: number, block: Block): readonly number[] {
  const known = depth in imagenetDepths ? imagenetDepths[depth as keyof typeof imagenetDepths] : undefined
  if (known?.block === block) return known.units
  const legal = Object.keys(imagenetDepths)
    .map(Number)
    .sort((a, b) => Math.abs(a - depth) - Math.abs(b - depth) || a - b)
  const hint = known === undefined ? `nearest: ${legal[0]!} or ${legal[1]!}` : `${depth} has ${known.block} units`
  throw new PreresnetError(
    'ERR_OPTION',
    `preResNet: depth: expected 18, 34, 50, 101, 152 or 200 for ImageNet (${hint}; or say units), got ${depth} with ${block} units`,
  )
}
