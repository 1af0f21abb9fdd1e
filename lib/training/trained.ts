/** What a run ends with: values of its own, so that nothing native has to stay. */
import { writeSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import { modelMetadata, type ModelDescription } from './model_file.js'
import type { ValidationEvent } from './run_events.js'
import type { Best } from './state.js'

export class TrainedModel {
  /** Steps done. */
  readonly step: number
  /** 'stopped': by stop(), before the last step. */
  readonly outcome: 'completed' | 'stopped'
  readonly description: ModelDescription
  /** Parameters and running statistics by name. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>
  /** The last validation, if there was one in this process. */
  readonly validation: ValidationEvent | undefined
  /** Of all validations of the run, those before a resume included. */
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

  /** Writes model.safetensors; its metadata carry network, class names and how images are prepared. */
  async save(path: string): Promise<void> {
    await writeSafetensors(path, this.tensors, modelMetadata(this.description))
  }
}
