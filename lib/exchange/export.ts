/** Networks of ours become weights under the names of timm and torchvision. */
import { isDeepStrictEqual } from 'node:util'
import { PreresnetError } from '../errors.js'
import { writeSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import { buildGraph, type Graph, type GraphNode } from '../graph/index.js'
import { checkOptions } from '../options/check.js'
import type { Session } from '../runtime/session.js'
import { familiesOf, ownFamiliesOf, type Family, type Library } from './families.js'
import { modelOf } from './model.js'
import { exportOptions, type ExportOptions } from './options.js'
import { countOf, foreignTensors, structureOf } from './structure.js'

/**
 * Writes weights as a safetensors file that PyTorch's `load_state_dict(strict=True)` takes.
 * @param source - A session, or the path of a model file.
 * @param path - File to write; it is replaced as a whole.
 * @param options - Whose names the file gets.
 * @throws ERR_OPTION where the library has no network that computes the same; the message says where they differ.
 * @throws ERR_FILE where the model file is malformed, or the file cannot be written.
 */
export async function exportWeights(source: Session | string, path: string, options: ExportOptions): Promise<void> {
  const { to } = checkOptions('exportWeights', exportOptions, options)
  const { graph, tensors } = await modelOf('exportWeights', source)
  const family = familyFor(graph, to)
  const values = family.ours?.(tensors) ?? tensors
  const written = new Map<string, SafetensorsTensor>()
  for (const { name, foreign, foreignShape } of foreignTensors(graph, family)) {
    written.set(foreign, { ...values.get(name)!, shape: foreignShape })
    const count = countOf(foreign)
    if (count !== undefined) written.set(count, { dtype: 'I64', shape: [], data: new BigInt64Array(1) })
  }
  await writeSafetensors(path, written, { format: 'pt' })
}

/** The family of the library that computes the same. */
function familyFor(graph: Graph, to: Library): Family {
  const families = [...familiesOf[to].map(([, family]) => family), ...ownFamiliesOf[to]]
  const found = families.find((family) => difference(graph, family) === undefined)
  if (found !== undefined) return found
  const reasons = familiesOf[to].map(([, family]) => `${family.title} (${difference(graph, family)!})`)
  throw new PreresnetError('ERR_OPTION', `exportWeights: ${graph.name}: expected a network that ${to} has, got none of ${reasons.join(', ')}`)
}

/** Where a network is no member of a family; undefined where it is one. */
function difference(graph: Graph, family: Family): string | undefined {
  const shapes = new Map(foreignTensors(graph, family).map(({ foreign, foreignShape }) => [foreign, { shape: foreignShape }]))
  const { shape } = graph.nodes[0]!
  let member
  try {
    member = buildGraph(family.build(structureOf(graph.name, shapes, family, shape as { height: number; width: number })))
  } catch (error) {
    if (error instanceof PreresnetError) return error.message
    throw error
  }
  const index = graph.nodes.findIndex((node, index) => !sameNode(node, member.nodes[index]))
  if (index === -1 && graph.nodes.length === member.nodes.length) return undefined
  return `other layers from ${graph.nodes[index]?.name ?? 'its end'} on`
}

/** The momentum of running statistics changes no answer. */
function sameNode(a: GraphNode, b: GraphNode | undefined): boolean {
  const answering = (node: object): object => ({ ...node, momentum: 0 })
  return b !== undefined && isDeepStrictEqual(answering(a), answering(b))
}
