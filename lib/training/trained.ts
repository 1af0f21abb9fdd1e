/** What a run ends with: values of its own, so that nothing native has to stay. */
import { writeSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import { modelMetadata, type ModelDescription } from '../runtime/model_file.js'
import type { ValidationEvent } from './run_events.js'
import type { Best } from './state.js'

/** What a run ends with has values of its own, so that nothing native has to stay. */
export class TrainedModel {
  /** The number of steps done is at least 0. */
  readonly step: number
  /** The run is 'completed', or was 'stopped' by stop(), before the last step. */
  readonly outcome: 'completed' | 'stopped'
  /** What a model file says: the network, how images become its input, and the names of its classes are in it. */
  readonly description: ModelDescription
  /** Parameters and running statistics are here by name. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>
  /** The last validation is undefined if there was none in this process. */
  readonly validation: ValidationEvent | undefined
  /** The best of all validations of the run, those before a resume included; undefined if there was none. */
  readonly best: Best | undefined

  /** @internal */
  constructor(parts: Pick<TrainedModel, 'step' | 'outcome' | 'description' | 'tensors' | 'validation' | 'best'>) {
    this.step = parts.step
    this.outcome = parts.outcome
    this.description = parts.description
    this.tensors = parts.tensors
    this.validation = parts.validation
    this.best = parts.best
  }

  /**
   * Writes model.safetensors; its metadata carry network, class names and how images are prepared.
   * @param path - The file's path; a file that is there is replaced as a whole.
   * @throws ERR_FILE where it cannot be written.
   * @throws ERR_OPTION where the path is no string.
   */
  async save(path: string): Promise<void> {
    await writeSafetensors(path, this.tensors, modelMetadata(this.description))
  }
}
