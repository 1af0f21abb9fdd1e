export { fit, Run } from './fit.js'
export type { CheckpointOptions, FitLength, FitOptions, FitSettings } from './fit_options.js'
export type { CheckpointEvent, FinishedEvent, RunEvent, StartEvent, StepEvent, ValidationEvent } from './run_events.js'
export {
  constant,
  type ConstantOptions,
  cosine,
  type CosineOptions,
  linearWarmup,
  type LinearWarmupOptions,
  multiStep,
  type MultiStepOptions,
  oneCycle,
  type OneCycleOptions,
  poly,
  type PolyOptions,
  type Schedule,
  scheduleFrom,
  type Warmup,
} from './schedules.js'
export { sgd, type SgdOptions } from './sgd.js'
export type { Manifest } from './manifest.js'
export type { MetricsLine } from './run_log.js'
export { TrainedModel } from './trained.js'
export { describeModel, loadModel, type LoadModelOptions, type ModelDescription, saveModel, type SaveModelOptions } from './model_file.js'
export type { ModelPreparation } from './model_preparation.js'
