/** How images become a network's input: the object that `fit`, `loader`, `compile`, `evaluate`, model files and `Classifier` share. */
import { invalid, knownKeys, number } from '../../options/values.js'
import { readSteps, type PreparationStep } from './steps.js'

/** The network takes (pixel - mean) / std of pixels from 0 to 1, channel by channel. */
export interface Normalization {
  /** The mean of each channel [channels] can be any finite number. */
  readonly mean: readonly number[]
  /** The standard deviation of each channel [channels] is above 0. */
  readonly std: readonly number[]
}

/** How images become the network's input. */
export interface Preparation {
  /** Training images go through these steps. @default the steps of evaluation */
  readonly train?: readonly PreparationStep[]
  /**
   * Images that are evaluated or classified go through these steps.
   * @default none where every file has the size of the network's input, else `resize(n), centerCrop()` with n = (the larger side of the input) / 0.875, rounded
   */
  readonly evaluate?: readonly PreparationStep[]
  /**
   * Pixels are normalized in this way.
   * @default mean and standard deviation of the training images, prepared as for evaluation: of all that are in memory, of 2,048 that are files
   */
  readonly normalization?: Normalization
}

/** This is a preparation with every default written down. */
export type CompletePreparation = Required<Preparation>

/** Where images from files are kept. memory: decoded once, before the run. files: decoded at every use. auto: in memory up to 1 GiB of pixels. */
export const cacheChoices = ['auto', 'memory', 'files'] as const
/**
 * Images from files are decoded once, before the run, and kept for 'memory'; they are decoded at every use for 'files'; 'auto' is memory up to 1 GiB of pixels.
 */
export type CacheChoice = (typeof cacheChoices)[number]

/** A checked, frozen copy. ERR_OPTION names the part that is wrong. */
export function readPreparation(where: string, value: unknown): Preparation {
  knownKeys(where, value, ['train', 'evaluate', 'normalization'])
  const { train, evaluate, normalization } = value as Record<keyof Preparation, unknown>
  return Object.freeze({
    ...(train !== undefined && { train: readSteps(`${where}.train`, train) }),
    ...(evaluate !== undefined && { evaluate: readSteps(`${where}.evaluate`, evaluate) }),
    ...(normalization !== undefined && { normalization: readNormalization(`${where}.normalization`, normalization) }),
  })
}

export function readNormalization(where: string, value: unknown): Normalization {
  knownKeys(where, value, ['mean', 'std'])
  const { mean, std } = value as Record<keyof Normalization, unknown>
  return Object.freeze({ mean: numbers(`${where}.mean`, mean, -Infinity), std: numbers(`${where}.std`, std, Number.MIN_VALUE) })
}

function numbers(where: string, values: unknown, least: number): readonly number[] {
  if (!Array.isArray(values) || values.length === 0) throw invalid(where, 'a number for each channel', values)
  return Object.freeze(values.map((value: unknown, index) => number(`${where}[${index}]`, value, least)))
}
