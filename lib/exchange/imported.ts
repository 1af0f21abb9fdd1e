/** What a file of another program became. */
import { PreresnetError } from '../errors.js'
import { allFinite, writeSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import type { Network } from '../layers/index.js'
import { modelMetadata } from '../runtime/model_file.js'
import type { ModelPreparation } from '../runtime/model_preparation.js'

/** This is what a file of weights, or of a whole network, holds. */
export class ImportedModel {
  /** It computes what the other program's network computes. */
  readonly network: Network
  /** These are parameters and running statistics by our names, in fp32. */
  readonly parameters: ReadonlyMap<string, SafetensorsTensor>
  /** It says how images become the network's input. */
  readonly prepare: ModelPreparation
  /** The names of the classes are in the order of the outputs; absent where the file does not say them. */
  readonly classes?: readonly string[]

  /** @internal */
  constructor({ network, parameters, prepare, classes }: Pick<ImportedModel, 'network' | 'parameters' | 'prepare' | 'classes'>) {
    this.network = network
    this.parameters = parameters
    this.prepare = prepare
    if (classes !== undefined) this.classes = classes
  }

  /**
   * Writes a model file, as a trained network's `save` does.
   * @param path - File to write; it is replaced as a whole.
   * @throws ERR_FILE where it cannot be written.
   */
  async save(path: string): Promise<void> {
    await writeSafetensors(path, this.parameters, modelMetadata(this))
  }
}

/** What functions of the layers and of the graph refuse in what a file says is the file's fault. */
export function faultOfFile(file: string, cause: unknown): unknown {
  return cause instanceof PreresnetError && cause.code !== 'ERR_FILE' ? new PreresnetError('ERR_FILE', `${file}: ${cause.message}`, { cause }) : cause
}

/** ERR_FILE where a value of a parameter is not a finite number of 32 bits. */
export async function finiteValues(file: string, name: string, { dtype, data }: SafetensorsTensor): Promise<Float32Array> {
  if (!(data instanceof Float32Array || data instanceof Float64Array))
    throw new PreresnetError('ERR_FILE', `${file}: ${name}: expected floating-point values, got ${dtype}`)
  const single = data instanceof Float32Array ? data : Float32Array.from(data)
  if (await allFinite(single)) return single
  throw new PreresnetError('ERR_FILE', `${file}: ${name}: has a value that is not a finite number of 32 bits`)
}
