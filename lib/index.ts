/** The public names. Everything else in the package is inside and may change. */
export { type ErrorCode, PreresnetError } from './errors.js'
export * from './layers/index.js'
export * from './models/index.js'
export * from './graph/index.js'
export { compilePrograms } from './compiler/compile.js'
export type { Choice, Choices, Site, Tier, Want } from './compiler/lower/engines.js'
export type { CompileOptions, ConvolutionChoice, InputOptions, LossOptions, LossScale, UpdateOptions } from './compiler/options.js'
export type {
  ArenaName,
  AttributeValue,
  DeviceName,
  DType,
  Layout,
  OperandValue,
  OperationSpec,
  Precision,
  Program,
  ProgramSet,
  TensorSpec,
} from './compiler/program.js'
export { type LaunchReport, type OperationReport, type PlanReport, planReport } from './compiler/report.js'
export { type Metadata, readSafetensors, type SafetensorsTensor, type SafetensorsType, type TensorValues, writeSafetensors } from './formats/safetensors.js'
export type { ClassLabels, PixelSamples, SoftLabels, UserBatch, UserSamples, ValueSamples } from './runtime/batch.js'
export type { NativeLoader, TraceEvent, Traffic } from './native/types.js'
export type { CudaSettings } from './runtime/cuda.js'
export type { DeviceChoice, PrecisionChoice } from './runtime/device.js'
export type { ConfusionMatrix, Evaluation, StepMetrics } from './runtime/metrics.js'
export type { ParameterGroup, SgdOptimizer } from './runtime/optimizer.js'
export { type BatchSize, compile, type SessionOptions } from './runtime/compile.js'
export type { Session } from './runtime/session.js'
export type { LearningRate, StepsOptions } from './runtime/steps.js'
export type { Tensor, Values } from './runtime/tensor.js'
export * from './data/index.js'
export * from './training/index.js'
export type { TrainLine, ValidationLine } from './training/run_log.js'
export type { Best, Recipe } from './training/state.js'
export { type Classification, Classifier, type ClassifierOptions as ClassifierLoadOptions, type ImageFile } from './inference/index.js'
