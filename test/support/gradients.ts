/** What the tests of check_gradients and sgd share: one row of gradients in two arenas, segments, and a scaler. */
import { given, maybe } from './judge.js'
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
