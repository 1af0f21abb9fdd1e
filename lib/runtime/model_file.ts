/** model.safetensors: parameters and running statistics by name; the metadata say everything else that loading needs. */
import { PreresnetError } from '../errors.js'
import { SafetensorsFile, type Metadata } from '../formats/safetensors.js'
import { networkFromJson } from '../layers/json.js'
import type { Network } from '../layers/layer.js'
import { evaluationOf, parse, part, preparationIn, type ModelPreparation } from './model_preparation.js'

/** What a model file says of itself. */
export interface ModelDescription {
  /** The network has been trained. */
  readonly network: Network
  /** Images become the network's input in this way, as evaluation prepared them; it is absent where the network was trained on tensors. */
  readonly prepare?: ModelPreparation
  /** The names of the classes are in the order of the outputs; absent where the network was trained without data. */
  readonly classes?: readonly string[]
}

/** `network`, `input`, `prepare` and `classes` are JSON. */
export function modelMetadata({ network, prepare, classes }: ModelDescription): Metadata {
  return {
    format: 'preresnet-1',
    network: JSON.stringify(network),
    input: JSON.stringify(network.input),
    ...(prepare && { prepare: JSON.stringify(evaluationOf(prepare)) }),
    ...(classes && { classes: JSON.stringify(classes) }),
  }
}

/**
 * Reads what a model file says of itself: the network, and how images become its input and what its classes are called, where it was trained on images.
 * @param path - The file's path.
 * @throws ERR_FILE where it is missing, malformed, or no model.
 */
export async function describeModel(path: string): Promise<ModelDescription> {
  await using file = await SafetensorsFile.open(path)
  return modelDescription(file)
}

export function modelDescription({ path, metadata }: Pick<SafetensorsFile, 'path' | 'metadata'>): ModelDescription {
  if (metadata['format'] !== 'preresnet-1') {
    throw new PreresnetError(
      'ERR_FILE',
      `${path}: expected metadata format "preresnet-1", got ${JSON.stringify(metadata['format'] ?? 'none')}; was it saved by preresnet? (weights of other libraries: importWeights, preresnet import)`,
    )
  }
  const classes = classNamesIn(path, parse(path, metadata, 'classes'))
  const network = part(path, 'network', () => networkFromJson(parse(path, metadata, 'network')))
  const prepare = preparationIn(path, metadata, network)
  return { network, ...(prepare && { prepare }), ...(classes && { classes }) }
}

/** What the metadata of a file say of its classes, if anything. ERR_FILE where it is no list of names. */
export function classNamesIn(path: string, classes: unknown): readonly string[] | undefined {
  if (classes === undefined || isNames(classes)) return classes
  throw new PreresnetError('ERR_FILE', `${path}: metadata "classes" is not a list of names`)
}

export function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}
