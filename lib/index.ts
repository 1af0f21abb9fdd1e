/** What a program that trains or serves networks writes. Types of options and results are in `preresnet/types`, the compiler's inside in `preresnet/compiler`. */
export { ErrorCode, PreresnetError } from './errors.js'

export {
  batchNorm,
  classifierHead,
  constantScaling,
  conv2d,
  dropout,
  dropoutShortcut,
  gate,
  identity,
  layersShortcut,
  linear,
  network,
  networkFromJson,
  optionA,
  projection,
  relu,
  repeat,
  residual,
  scale,
  sequential,
} from './layers/index.js'
export * from './layers/pool.js'
export type { Layer, Network } from './layers/index.js'
export { isModelName, type ModelName, modelNames, preResNet } from './models/index.js'

export {
  cacheInMemory,
  centerCrop,
  cifar10,
  cifar100,
  colorJitter,
  customDataset,
  digits,
  download,
  exifOrientation,
  flip,
  imageFolder,
  imageFolderSplits,
  imageNetFolder,
  lighting,
  loader,
  memoryDataset,
  pack,
  packedDataset,
  parquetDataset,
  randAugment,
  randomCrop,
  randomErasing,
  randomResize,
  randomResizedCrop,
  resize,
  shuffledLabels,
  subset,
  trivialAugment,
  verifyPacked,
} from './data/index.js'
export { tarDataset } from './data/tar.js'
export type { Dataset, Loader, Preparation } from './data/index.js'

export { adamW, constant, cosine, fit, lamb, lars, linearWarmup, multiStep, oneCycle, poly, scheduleFrom, sgd, startFrom } from './training/index.js'
export type { FitOptions, Run, RunEvent, Schedule, TrainedModel } from './training/index.js'

export { joinRanks } from './ranks/join.js'

export { exportOnnx, exportWeights, importOnnx, importWeights } from './exchange/index.js'

export { compile } from './runtime/compile.js'
export { describeModel } from './runtime/model_file.js'
export type { SessionOptions } from './runtime/session_options.js'
export type { Evaluation, StepMetrics } from './runtime/metrics.js'
export type { Session } from './runtime/session.js'
export type { Tensor } from './runtime/tensor.js'

export { type Classification, Classifier } from './inference/index.js'
