/** What a run tells while it goes on. */
import type { DeviceName, Precision } from '../compiler/program.js'
import type { Evaluation } from '../runtime/metrics.js'

/** What `Run.events` gives is one of these, told apart by `kind`. */
export type RunEvent = StartEvent | StepEvent | ValidationEvent | CheckpointEvent | FinishedEvent

/** The first event of a run comes before its first step. */
export interface StartEvent {
  readonly kind: 'start'
  /** The number of steps done before is at least 0, and more in a resumed run. */
  readonly step: number
  /** The number of steps at the end is at least 1. */
  readonly steps: number
  /** The number of steps of an epoch is at least 1. */
  readonly stepsPerEpoch: number
  /** The network has this name. */
  readonly network: string
  /** The number of values that the network holds and trains or keeps frozen is at least 1. */
  readonly parameters: number
  /** The run is on this device: what 'auto' took. */
  readonly device: DeviceName
  /** The run computes in this precision: what 'auto' took. */
  readonly precision: Precision
  /** The reason for the precision is a phrase: what 'auto' measured, or who asked for it. */
  readonly precisionReason: string
  /** The number of bytes that were planned is at least 0. */
  readonly memory: number
  /** The checkpoint that the run goes on from is absent where it begins anew. */
  readonly resumedFrom?: string
}

/** A step event comes after each native call, with values since the last line of the log. */
export interface StepEvent {
  readonly kind: 'step'
  /** The number of steps done is at least 1. */
  readonly step: number
  /** The number of steps at the end is at least 1. */
  readonly steps: number
  /** The number of passes over the data that are done is at least 0, with the fraction of the current one. */
  readonly epoch: number
  /** The mean loss is in nats, at least 0. */
  readonly loss: number
  /** The share of errors is from 0 to 1, of training images as augmented. */
  readonly top1Error: number
  /** The share of right first guesses is from 0 to 1, of training images as augmented. */
  readonly top1Accuracy: number
  /** The rate of the last step is at least 0. */
  readonly learningRate: number
  /** The number of images that were trained on in a second is at least 0. */
  readonly imagesPerSecond: number
  /** The share of time spent waiting for data is from 0 to 1. */
  readonly dataShare: number
  /** The number of training images that could not be decoded is at least 0; each counts once, from where the process took up the run. It is 0 without `corrupt: 'skip'`. */
  readonly corruptImages: number
  /** The seconds to the end are estimated, at least 0; validation and checkpoints are left out. */
  readonly secondsLeft: number
  /** The number of steps since the last line of the log whose gradients overflowed is at least 0; they changed no parameter. */
  readonly skippedSteps: number
  /** The factor that gradients are multiplied by on their way back, from 2^-64 up to 2^64, on CUDA; elsewhere it is absent. */
  readonly lossScale?: number
  /** The number of resident bytes of the process is at least 0. */
  readonly memory: number
  /** Whether this event ended a line of the log. */
  readonly logged: boolean
}

/** A validation event comes after the network was evaluated on `validate`. */
export interface ValidationEvent extends Evaluation {
  readonly kind: 'validation'
  /** The number of steps done is at least 1. */
  readonly step: number
  /** The number of passes over the training images that are done is at least 0, with the fraction of the current one. */
  readonly epoch: number
  /** Whether no validation before was better. */
  readonly best: boolean
}

/** A checkpoint event comes after a checkpoint was written. */
export interface CheckpointEvent {
  readonly kind: 'checkpoint'
  /** The number of steps done is at least 0. */
  readonly step: number
  /** The directory of the checkpoint has this path. */
  readonly path: string
}

/** The last event of a run that was not ended by an error. */
export interface FinishedEvent {
  readonly kind: 'finished'
  /** The number of steps done is at least 0. */
  readonly step: number
  /** The run is 'completed', or was 'stopped' by stop(), with everything saved. */
  readonly outcome: 'completed' | 'stopped'
  /** The share of the time of all its steps that was spent waiting for data is from 0 to 1. */
  readonly dataShare: number
  /** The number of training images that could not be decoded is at least 0; each counts once. */
  readonly corruptImages: number
  /** The seconds since the process took up the run are at least 0. */
  readonly seconds: number
}
