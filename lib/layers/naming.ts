/**
 * How layers get names; parameters are called by the path of their layer, `stages.0.blocks.1.norm1.weight`.
 *
 * - In a record, a layer is called by its key.
 * - In an array, by type and ordinal: `norm1`, `relu1`, `conv1`, `norm2`. Bare arrays inside are spliced in.
 * - An array under a name (a record's key, a shortcut, a copy of `repeat`) in which exactly one layer has parameters lends that
 *   layer the name: `norm: [batchNorm(), relu()]` makes `norm.weight`. `sequential([...])` never does.
 * - A layer alone under a name has that name.
 */
import { PreresnetError } from '../errors.js'
import { invalid } from '../options/values.js'
import type { Layer, LayerLike, Sequential } from './layer.js'
import { isLayer, isShortcut, made } from './value.js'

type Child = readonly [name: string, layer: Layer]
/** How many layers of each type an array has named so far. */
type Ordinals = Map<string, number>

/** Of kinds that arrays call otherwise than by themselves; all that pool are called so. */
const shortNames: Partial<Record<Layer['kind'], string>> = { conv2d: 'conv', batchNorm: 'norm', linear: 'fc', optionA: 'pad', residual: 'unit' }

function typeName(kind: Layer['kind']): string {
  return shortNames[kind] ?? (kind.endsWith('Pool') ? 'pool' : kind)
}

const recordName = /^[A-Za-z_][\w-]*$/
/** Names of pairs and of plain data may be numbers, or empty. */
export const childName = /^[\w-]*$/

/** A sequence with the names given; '' adds nothing to parameter names. Names are unique. */
export function named(where: string, children: readonly Child[]): Sequential {
  const seen = new Set<string>()
  for (const [name] of children) {
    if (name !== '' && seen.has(name)) throw new PreresnetError('ERR_OPTION', `${where}: two layers are called ${JSON.stringify(name)}`)
    seen.add(name)
  }
  return made({ kind: 'sequential', children: Object.freeze(children.map(([name, layer]) => Object.freeze([name, layer] as const))) })
}

/** What stands under a name of its own. */
export function layerUnderName(where: string, like: LayerLike): Layer {
  if (!Array.isArray(like)) return single(where, like as Exclude<LayerLike, readonly LayerLike[]>)
  const layers = splice(where, like)
  const withParameters = layers.filter(hasParameters)
  const heir = withParameters.length === 1 ? withParameters[0] : undefined
  const children = byOrdinal(layers, new Map())
  return named(
    where,
    children.map(([name, layer]) => [layer === heir ? '' : name, layer]),
  )
}

/** The same as a sequence. */
export function sequenceUnderName(where: string, like: LayerLike): Sequential {
  const layer = layerUnderName(where, like)
  return layer.kind === 'sequential' ? layer : named(where, [['', layer]])
}

/** A sequence that adds no name of its own to those of its children. Ordinals may start behind those of another array. */
export function sequenceWithoutName(where: string, like: LayerLike, ordinals: Ordinals = new Map()): Sequential {
  if (!Array.isArray(like)) {
    const layer = single(where, like as Exclude<LayerLike, readonly LayerLike[]>)
    if (layer.kind === 'sequential') return layer
    return named(where, byOrdinal([layer], ordinals))
  }
  return named(where, byOrdinal(splice(where, like), ordinals))
}

/** Ordinals that follow those of a sequence. */
export function ordinalsAfter(sequence: Sequential): Ordinals {
  const ordinals: Ordinals = new Map()
  byOrdinal(
    sequence.children.map(([, layer]) => layer),
    ordinals,
  )
  return ordinals
}

function byOrdinal(layers: readonly Layer[], ordinals: Ordinals): Child[] {
  return layers.map((layer) => {
    const type = typeName(layer.kind)
    const ordinal = (ordinals.get(type) ?? 0) + 1
    ordinals.set(type, ordinal)
    return [`${type}${ordinal}`, layer]
  })
}

function splice(where: string, layers: readonly LayerLike[]): Layer[] {
  return layers.flatMap((layer, index) => {
    const at = `${where}[${index}]`
    return Array.isArray(layer) ? splice(at, layer) : [single(at, layer as Exclude<LayerLike, readonly LayerLike[]>)]
  })
}

function single(where: string, value: Exclude<LayerLike, readonly LayerLike[]>): Layer {
  if (isLayer(value)) return value
  if (isShortcut(value)) throw new PreresnetError('ERR_OPTION', `${where}: expected a layer, got a shortcut; it belongs into residual({ shortcut })`)
  if (!isRecord(value)) throw invalid(where, 'a layer, an array of layers or a record of layers', value)
  if (typeof value['kind'] === 'string') throw invalid(where, 'a layer made by conv2d(), batchNorm() and the like (networkFromJson() reads plain data)', value)
  const children = Object.entries(value).map(([name, layer]): Child => {
    if (recordName.test(name)) return [name, layerUnderName(`${where}.${name}`, layer)]
    throw invalid(where, 'names of letters, digits, _ and - that start with a letter (JavaScript would reorder numbers)', name)
  })
  return named(where, children)
}

function isRecord(value: unknown): value is { readonly [name: string]: LayerLike } {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function hasParameters(layer: Layer): boolean {
  switch (layer.kind) {
    case 'conv2d':
    case 'batchNorm':
    case 'linear':
      return true
    case 'sequential':
      return layer.children.some(([, child]) => hasParameters(child))
    case 'repeat':
      return hasParameters(layer.layer)
    case 'residual':
      return (
        [layer.branch, layer.after, ...(layer.shortcut.kind === 'layers' ? [layer.shortcut.layers] : [])].some(hasParameters) || layer.shortcut.kind === 'gate'
      )
    default:
      return false
  }
}
