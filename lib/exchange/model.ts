/** What is exported: a session's network, or that of a model file. */
import { PreresnetError } from '../errors.js'
import { readSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import { buildGraph, type Graph } from '../graph/index.js'
import { invalid } from '../options/values.js'
import { modelTensors } from '../runtime/internals.js'
import { modelDescription, type ModelDescription } from '../runtime/model_file.js'
import { evaluationOf } from '../runtime/model_preparation.js'
import { Session } from '../runtime/session.js'
import type { Tensors } from './families.js'

export interface Model extends ModelDescription {
  readonly graph: Graph
  /** Parameters and running statistics in fp32, of the graph's names and shapes. */
  readonly tensors: Tensors
}

/** ERR_FILE where a model file is malformed; `where` opens the error of a source that is neither. */
export async function modelOf(where: string, source: unknown): Promise<Model> {
  if (source instanceof Session) {
    const { graph, network, prepare, classNames: classes } = source
    return { graph, network, tensors: await modelTensors(source), ...(prepare && { prepare: evaluationOf(prepare) }), ...(classes && { classes }) }
  }
  if (typeof source !== 'string') throw invalid(`${where}: source`, 'a session or the path of a model file', source)
  const { metadata, tensors } = await readSafetensors(source)
  const description = modelDescription({ path: source, metadata })
  const graph = buildGraph(description.network)
  for (const { name, shape } of [...graph.parameters, ...graph.buffers]) {
    const tensor = tensors.get(name)
    if (tensor?.dtype !== 'F32' || tensor.shape.join() !== shape.join())
      throw new PreresnetError('ERR_FILE', `${source}: ${name}: expected F32 values of shape [${shape.join(', ')}], got ${tensorText(tensor)}`)
  }
  return { ...description, graph, tensors }
}

const tensorText = (tensor: SafetensorsTensor | undefined): string => (tensor === undefined ? 'none' : `${tensor.dtype} [${tensor.shape.join(', ')}]`)
