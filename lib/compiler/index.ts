/** The compiler's inside: graphs of networks, programs as plain data, and what they do to memory. It may change in any version. */
export type { Attributes, OperationName, Operands } from '../contracts.js'
export * from '../graph/index.js'
export { boundaryOf } from './boundary.js'
export { compilePrograms } from './compile.js'
export type { Choice, Choices, Site, Tier, Want } from './lower/engines.js'
export type {
  ProgramOptions,
  ConvolutionChoice,
  InputOptions,
  LossOptions,
  LossScale,
  LarsUpdate,
  MomentsUpdate,
  ProgramKind,
  ProgramRequest,
  SgdUpdate,
  EmaOptions,
  WeightsChoice,
  UpdateOptions,
} from './options.js'
export type { ArenaName, DeviceName, DType, Layout, OperationSpec, Phase, Precision, Program, ProgramSet, TensorSpec } from './program.js'
export { type LaunchReport, type OperationReport, type PlanReport, planReport } from './report.js'
