/** How a model file says that images were prepared: `prepare`, or in files of before `normalisation` and `resize`. */
import { readNormalization, readPreparation, type Normalization, type Preparation } from '../data/prepare/preparation.js'
import { checkPreparation } from '../data/prepare/sequence.js'
import { centerCrop, resize } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import type { Metadata } from '../formats/safetensors.js'
import type { Network } from '../layers/layer.js'
import { fields, invalid } from '../options/values.js'

/**
 * How images were prepared, as a model file says it. Without `evaluate` no more is known than how pixels were normalized: no files were prepared, or a version
 * did not say how.
 */
export interface ModelPreparation extends Omit<Preparation, 'train'> {
  readonly normalization: Normalization
}

/** What a model file keeps. */
export function evaluationOf({ evaluate, normalization }: ModelPreparation): ModelPreparation {
  return { ...(evaluate && { evaluate }), normalization }
}

/** What a file's metadata say. ERR_FILE where they are malformed. */
export function preparationIn(path: string, metadata: Metadata, network: Network): ModelPreparation | undefined {
  const stored = parse(path, metadata, 'prepare')
  if (stored === undefined) return earlierPreparation(path, metadata, network)
  return part(path, 'prepare', () => readModelPreparation('prepare', stored, network))
}

/** A checked copy of what evaluates. ERR_OPTION names the part that is wrong, or is not for the network's input. */
export function readModelPreparation(where: string, value: unknown, { input }: Pick<Network, 'input'>): ModelPreparation {
  const prepare = readPreparation(where, value)
  checkPreparation(where, prepare, input)
  if (prepare.normalization === undefined) throw invalid(`${where}.normalization`, 'mean and std', undefined)
  return evaluationOf({ ...prepare, normalization: prepare.normalization })
}

/** As files were until version 0.1: `normalisation`, and `resize`: the shorter side before the middle was cut out, or 0. */
function earlierPreparation(path: string, metadata: Metadata, { input }: Network): ModelPreparation | undefined {
  const given = parse(path, metadata, 'normalisation')
  if (given === undefined) return undefined
  const { mean, deviation } = fields(given)
  const normalization = part(path, 'normalisation', () => {
    const read = readNormalization('normalisation', { mean, std: deviation })
    checkPreparation('', { normalization: read }, input)
    return read
  })
  const side = parse(path, metadata, 'resize')
  if (side === undefined) return { normalization }
  if (side !== 0 && !(Number.isSafeInteger(side) && (side as number) >= Math.max(input.height, input.width)))
    throw new PreresnetError('ERR_FILE', `${path}: metadata "resize": expected 0 or at least the larger side of the input, got ${JSON.stringify(side)}`)
  return { evaluate: side === 0 ? [] : [resize(side as number), centerCrop()], normalization }
}

/** ERR_FILE where a part of the metadata is not what it should be. */
export function part<T>(path: string, key: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata ${JSON.stringify(key)}: ${(cause as Error).message}`, { cause })
  }
}

export function parse(path: string, metadata: Metadata, key: string): unknown {
  const text = metadata[key]
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata ${JSON.stringify(key)} is not JSON`, { cause })
  }
}

/** The normalization alone, also where the file's network has another input than the one it is loaded into. Undefined where it says none. */
export function normalizationIn(path: string, metadata: Metadata): Normalization | undefined {
  const { normalization } = fields(parse(path, metadata, 'prepare'))
  const { mean: earlierMean, deviation } = fields(parse(path, metadata, 'normalisation'))
  const { mean = earlierMean, std = deviation } = fields(normalization)
  if (!Array.isArray(mean)) return undefined
  return part(path, normalization === undefined ? 'normalisation' : 'prepare', () => readNormalization('normalization', { mean, std }))
}
