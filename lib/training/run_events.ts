/** What a run tells while it goes on. */
import type { DeviceName, Precision } from '../compiler/program.js'
import type { Evaluation } from '../runtime/metrics.js'

export type RunEvent = StartEvent | StepEvent | ValidationEvent | CheckpointEvent | FinishedEvent

export interface StartEvent {
  readonly kind: 'start'
  /** Steps done before: more than 0 in a resumed run. */
  readonly step: number
  /** Steps at the end. */
  readonly steps: number
  readonly stepsPerEpoch: number
  readonly network: string
  /** Values that the network holds and trains or keeps frozen. */
  readonly parameters: number
  readonly device: DeviceName
  readonly precision: Precision
  /** Bytes planned. */
  readonly memory: number
  /** The checkpoint that the run goes on from. */
  readonly resumedFrom?: string
}

/** After each native call; values since the last line of the log. */
export interface StepEvent {
  readonly kind: 'step'
  /** Steps done. */
  readonly step: number
  readonly steps: number
  /** Passes over the data that are done, with the fraction of the current one. */
  readonly epoch: number
  readonly loss: number
  /** 0 to 1, of training images as augmented. */
  readonly top1Error: number
  /** 0 to 1, of training images as augmented. */
  readonly top1Accuracy: number
  /** Of the last step. */
  readonly learningRate: number
  readonly imagesPerSecond: number
  /** Share of time spent waiting for data, 0 to 1. */
  readonly dataShare: number
  /** Estimate, validation and checkpoints left out. */
  readonly secondsLeft: number
  /** Steps since the last line of the log whose gradients overflowed; they changed no parameter. */
  readonly skippedSteps: number
  /** On CUDA: what gradients are multiplied by on their way back. */
  readonly lossScale?: number
  /** Resident bytes of the process. */
  readonly memory: number
  /** Whether this event ended a line of the log. */
  readonly logged: boolean
}

export interface ValidationEvent extends Evaluation {
  readonly kind: 'validation'
  readonly step: number
  readonly epoch: number
  /** Whether no validation before was better. */
  readonly best: boolean
}

export interface CheckpointEvent {
  readonly kind: 'checkpoint'
  readonly step: number
  readonly path: string
}

export interface FinishedEvent {
  readonly kind: 'finished'
  readonly step: number
  /** 'stopped': by stop(), with everything saved. */
  readonly outcome: 'completed' | 'stopped'
  readonly seconds: number
}
