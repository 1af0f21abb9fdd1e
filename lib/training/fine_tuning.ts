/** Training that goes on from a model: its network, its weights and its preparation, for the classes of other images. */
import { checkDataset } from '../data/check.js'
import type { Dataset } from '../data/dataset.js'
import { stepsOfSession } from '../data/prepare/complete.js'
import type { Preparation } from '../data/prepare/preparation.js'
import { PreresnetError } from '../errors.js'
import { networkFromJson } from '../layers/json.js'
import type { Layer, Network } from '../layers/layer.js'
import { path as checkPath } from '../options/values.js'
import { describeModel } from '../runtime/model_file.js'

/** What `startFrom` takes from a model file. */
export interface StartingPoint {
  /** The network is that of the file, with an output for each class of the images. */
  readonly network: Network
  /** These options of `fit` say that its weights come from the file, and how images are prepared. */
  readonly options: {
    /** All weights come from the file, but for a new head. */
    readonly initialize: { readonly from: string; readonly except: readonly string[] }
    /** Images are prepared and normalized as the file says; it is empty where the file says nothing. */
    readonly prepare: Preparation
  }
  /** The number of outputs in the file, at least 1, where the head is new because the images have another number of classes; else absent. */
  readonly replaced?: number
}

/**
 * Reads from a model file what fine-tuning on other images starts with. Where they have another number of classes than the file has outputs, the last layer is new.
 * @param path - A model file, as `trained.save`, `session.save` and `importWeights` write them.
 * @param train - The images to train on.
 * @throws ERR_FILE where the file is missing, malformed, or no model.
 * @throws ERR_OPTION where the number of classes differs, and the network does not end with a linear layer.
 * @example
 * const { network, options } = await startFrom('model.safetensors', train)
 * const trained = await fit(network, { ...options, train, validate: test, epochs: 10, learningRate: 0.01 }).finished
 */
export async function startFrom(path: string, train: Dataset): Promise<StartingPoint> {
  checkPath('startFrom: path', path)
  checkDataset('startFrom: train', train)
  const { network, prepare } = await describeModel(path)
  const classes = train.classes.length
  const head = headOf(network.layers)
  if (head === undefined)
    throw new PreresnetError('ERR_OPTION', `${path}: expected a network that ends with a linear layer, to train it for ${classes} classes`)
  // A network that was trained on images of its input's size has no steps, which says nothing of others.
  const evaluate = prepare?.evaluate?.length === 0 ? undefined : stepsOfSession(train, prepare?.evaluate)
  const options = { prepare: { ...(evaluate && { evaluate }), ...(prepare && { normalization: prepare.normalization }) } }
  if (head.units === classes) return { network, options: { ...options, initialize: { from: path, except: [] } } }
  return {
    network: networkFromJson({ ...network, layers: withUnits(network.layers, classes) }),
    options: { ...options, initialize: { from: path, except: head.parameters } },
    replaced: head.units,
  }
}

interface Head {
  /** Their names. */
  readonly parameters: readonly string[]
  readonly units: number
}

/** The last layer, where it is linear. */
function headOf(layer: Layer, path: readonly string[] = []): Head | undefined {
  if (layer.kind === 'linear') return { parameters: ['weight', ...(layer.bias ? ['bias'] : [])].map((name) => [...path, name].join('.')), units: layer.units }
  if (layer.kind !== 'sequential' || layer.children.length === 0) return undefined
  const [name, last] = layer.children.at(-1)!
  return headOf(last, name === '' ? path : [...path, name])
}

/** The same layers, of which the last has other outputs. */
function withUnits(layer: Layer, units: number): Layer {
  if (layer.kind === 'linear') return { ...layer, units }
  if (layer.kind !== 'sequential') return layer
  const [name, last] = layer.children.at(-1)!
  return { ...layer, children: [...layer.children.slice(0, -1), [name, withUnits(last, units)]] }
}
