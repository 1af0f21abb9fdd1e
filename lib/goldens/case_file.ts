/** Reads one golden case: a safetensors file whose metadata say which unit or network it is. */
import { basename, join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { readSafetensors } from '../formats/safetensors.js'
import type { CaseKind } from './bounds.js'

export interface UnitDescription {
  readonly unit: string
  readonly block?: 'basic' | 'bottleneck'
  readonly in: number
  readonly out: number
  readonly stride?: number
  readonly shortcut?: 'projection' | 'option-a'
  readonly strideOn?: 'conv1' | 'conv2'
  readonly statisticsGroups?: number
}

export interface NetDescription {
  readonly unit: 'pre-activation' | 'original'
  readonly family: 'cifar' | 'imagenet'
  readonly depth?: number
  readonly units?: readonly number[]
  readonly widths?: readonly number[]
  readonly block: 'basic' | 'bottleneck'
  readonly shortcut: 'projection' | 'option-a'
  readonly strideOn?: 'conv1' | 'conv2'
  readonly image: number
  readonly classes: number
  readonly learningRates: readonly number[]
  readonly momentum: number
  readonly weightDecay: number
  readonly nesterov: boolean
  readonly labelSmoothing: number
  readonly excludeFromDecay: boolean
}

interface CaseTensor {
  readonly shape: readonly number[]
  readonly values: ArrayLike<number>
}

export interface GoldenCase {
  readonly name: string
  readonly kind: CaseKind
  readonly description: UnitDescription | NetDescription
  readonly tensors: ReadonlyMap<string, CaseTensor>
  /** Error of PyTorch's own bf16 autocast, per tensor. */
  readonly pytorchBf16: Readonly<Record<string, number>>
}

export async function readCase(directory: string, name: string): Promise<GoldenCase> {
  const path = join(directory, `${name}.safetensors`)
  const { metadata, tensors } = await readSafetensors(path)
  const values = new Map<string, CaseTensor>()
  for (const [key, { shape, data }] of tensors) {
    values.set(key, { shape, values: data instanceof BigInt64Array || data instanceof BigUint64Array ? Array.from(data, Number) : data })
  }
  const pytorch = parse(path, metadata, 'pytorch') as { bf16?: Record<string, number> }
  return {
    name,
    kind: basename(name).startsWith('unit-') ? 'unit' : 'net',
    description: parse(path, metadata, 'case') as UnitDescription | NetDescription,
    tensors: values,
    pytorchBf16: pytorch.bf16 ?? {},
  }
}

/** Tensors that are compared, in the file's order of names. */
export function comparedTensors(golden: GoldenCase): readonly string[] {
  const single = new Set(['y', 'dx', 'y_eval', 'logits', 'losses', 'logits_eval'])
  return [...golden.tensors.keys()].filter((name) => single.has(name) || name.startsWith('grad/') || name.startsWith('after/'))
}

export function tensor(golden: GoldenCase, name: string): CaseTensor {
  const found = golden.tensors.get(name)
  if (found === undefined) throw new PreresnetError('ERR_FILE', `${golden.name}: expected a tensor ${JSON.stringify(name)}, got none`)
  return found
}

function parse(path: string, metadata: Readonly<Record<string, string>>, key: string): unknown {
  const text = metadata[key]
  if (text === undefined) throw new PreresnetError('ERR_FILE', `${path}: expected metadata ${JSON.stringify(key)}, got none; is it a golden case?`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata ${JSON.stringify(key)} is not JSON`, { cause })
  }
}
