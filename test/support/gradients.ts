/** What the tests of check_gradients and the optimizers share: one row of gradients in two arenas, segments, and a scaler. */
import { present } from './case.js'
import { given, maybe, number, type NamedCase } from './judge.js'
import type { OperationCase, Results, StepOfCase } from './operation.js'
import { pairwise } from './pairwise.js'
import { Random } from './random.js'
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

/** Where segments of these lengths begin, and the length of the row: before, between and behind them lies what no segment covers (padding, frozen parameters). */
export function laidOut(lengths: readonly number[]): { readonly offsets: number[]; readonly total: number } {
  const offsets = lengths.map((_, segment) => lengths.slice(0, segment).reduce((sum, length) => sum + length + 3, 16))
  return { offsets, total: offsets.at(-1)! + lengths.at(-1)! + 4 }
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

const scaledFactors = {
  clip: ['none', 'acts'],
  split: ['two arenas', 'one arena', 'two arenas and copies'],
  scaler: ['scaled', 'overflow', 'none', 'due to grow'],
  growthInterval: [0, 3],
  scale: [1024, 1],
} as const

interface ScaledCases {
  readonly seed: number
  /** What the optimizer keeps of each parameter. */
  readonly kept: (random: Random, total: number) => Readonly<Record<string, Values>>
  /** Besides those of all optimizers; of three segments. */
  readonly attributes?: NamedCase['attributes']
  readonly step: StepOfCase
}

/** What an optimizer is given on a GPU: gradients in two arenas, copies of the first weights, a scaler. */
export const scaledCases = ({ seed, kept, attributes, step }: ScaledCases): NamedCase[] =>
  pairwise(scaledFactors).map((choice, entry) => {
    const random = new Random(seed + entry)
    const [Q, R] = choice.split === 'one arena' ? [0, 8_512] : [192, 8_320]
    const state = STATES[choice.scaler]
    const scale = state === undefined ? 1 : choice.scale
    const weights = random.normals([Q + R])
    const weightGradients = random.normals([Math.max(Q, 1)], scale)
    const gradients = random.normals([R], scale)
    const squares = [...(Q > 0 ? weightGradients.data : []), ...gradients.data].reduce((sum, gradient) => sum + (gradient / scale) ** 2, 0)
    return {
      name: `clipping ${choice.clip}, ${choice.split}, scaler ${choice.scaler} ${scale}, interval ${choice.growthInterval}`,
      inputs: present({
        weights,
        gradients,
        weightGradients: Q > 0 && weightGradients,
        ...kept(random, Q + R),
        copies: choice.split === 'two arenas and copies' && valuesOf([Q], (i) => weights.data[i]! + 1),
        scaler: state && scaler({ ...state, scale, squares }),
      }),
      outputs: {},
      attributes: {
        ...attributes,
        ...(choice.clip !== 'none' && { clipNorm: Math.sqrt(squares) / 3 }),
        ...(state && { growthInterval: choice.growthInterval }),
        offsets: [0, 192, 320],
        lengths: [192, 128, Q + R - 320],
        decays: [0.01, 0, 0.01],
        rates: [1, 0.5, 2],
      },
      step,
    }
  })

/** What an optimizer's step leaves beside the weights and what it keeps of them: copies of the first weights, and the scaler. */
export function besideWeights(operation: OperationCase, weights: Values): Results {
  const [offsets, lengths] = ['offsets', 'lengths'].map((attribute) => operation.attributes[attribute] as number[])
  const segmentOf = segmentFinder(offsets!, lengths!)
  const before = maybe(operation, 'scaler')
  const state = before === undefined ? undefined : stateOf(before)
  const copies = maybe(operation, 'copies')
  return present({
    copies: copies && valuesOf(copies.shape, (i) => (state?.overflow === 1 || segmentOf(i) < 0 ? copies.data[i]! : weights.data[i]!)),
    scaler: state && scaler(nextState(state, number(operation, 'growthInterval', 0))),
  })
}
