/** What the tests of check_gradients and the optimizers share: one row of gradients in two arenas, segments, and a scaler. */
import { given, maybe, number } from './judge.js'
import type { OperationCase } from './operation.js'
import { type Values, valuesOf } from './values.js'

/** Gradient of element `index` of P: the first Q lie in weightGradients, where there is one. */
export function gradientOf(operation: OperationCase): (index: number) => number {
  const first = maybe(operation, 'weightGradients')?.data
  const rest = given(operation, 'gradients').data
  const border = first?.length ?? 0
  return (index) => (index < border ? first![index]! : rest[index - border]!)
}

export const scalerEntries = ['scale', 'inverse', 'goodSteps', 'overflow', 'skipped', 'squares', 'free6', 'free7'] as const
export type ScalerState = Readonly<Record<(typeof scalerEntries)[number], number>>

export function scaler(state: Partial<ScalerState> = {}): Values {
  const scale = state.scale ?? 1
  const full: ScalerState = { scale, inverse: 1 / scale, goodSteps: 0, overflow: 0, skipped: 0, squares: 0, free6: 6, free7: 7, ...state }
  return valuesOf([8], (index) => full[scalerEntries[index]!])
}

export function stateOf({ data }: Values): ScalerState {
  return Object.fromEntries(scalerEntries.map((entry, index) => [entry, data[index]!])) as unknown as ScalerState
}

/** Scalers of cases. */
export const STATES = {
  none: undefined,
  scaled: { goodSteps: 1, overflow: 0, skipped: 4 },
  overflow: { goodSteps: 2, overflow: 1, skipped: 4 },
  'due to grow': { goodSteps: 2, overflow: 0, skipped: 4 },
  smallest: { goodSteps: 1, overflow: 1, skipped: 4, scale: 2 ** -64 },
  largest: { goodSteps: 2, overflow: 0, skipped: 4, scale: 2 ** 64 },
} as const

/** As mixed-precision training does it: halve on overflow, double after enough good steps. */
export function nextState(state: ScalerState, growthInterval: number): ScalerState {
  const { overflow, inverse: _, ...rest } = state
  const dynamic = growthInterval > 0
  if (overflow === 1) {
    const scale = dynamic ? Math.max(state.scale / 2, 2 ** -64) : state.scale
    return { ...rest, overflow, scale, inverse: 1 / scale, goodSteps: 0, skipped: state.skipped + 1 }
  }
  const grows = dynamic && state.goodSteps + 1 === growthInterval
  const scale = grows ? Math.min(state.scale * 2, 2 ** 64) : state.scale
  return { ...rest, overflow, scale, inverse: 1 / scale, goodSteps: grows ? 0 : state.goodSteps + 1 }
}

/** The segment that an element is in; -1: none. */
export function segmentFinder(offsets: readonly number[], lengths: readonly number[]): (index: number) => number {
  return (index) => offsets.findIndex((offset, segment) => index >= offset && index < offset + lengths[segment]!)
}

/** The factor of all gradients that makes the norm of those in segments, without the loss scale, at most `clipNorm`. */
export function clippedBy(operation: OperationCase): number {
  const [offsets, lengths] = ['offsets', 'lengths'].map((attribute) => operation.attributes[attribute] as number[])
  const segmentOf = segmentFinder(offsets!, lengths!)
  const raw = gradientOf(operation)
  const before = maybe(operation, 'scaler')
  const scale = before === undefined ? 1 : stateOf(before).scale
  const norm = Math.hypot(...given(operation, 'weights').data.map((_, index) => (segmentOf(index) < 0 ? 0 : raw(index) / scale)))
  const clipNorm = number(operation, 'clipNorm', 0)
  return clipNorm === 0 ? 1 : Math.min(1, clipNorm / norm)
}
