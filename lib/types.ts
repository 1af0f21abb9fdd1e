/** Types of what the main entry's functions take and give, for programs that name them. */
export type * from './layers/layer.js'
export type { BatchNormOptions } from './layers/batch_norm.js'
export type { ClassifierHeadOptions } from './layers/classifier_head.js'
export type { Conv2dOptions } from './layers/conv2d.js'
export type { DropoutOptions } from './layers/dropout.js'
export type { LinearOptions } from './layers/linear.js'
export type { NetworkOptions } from './layers/network.js'
export type { OptionAOptions } from './layers/option_a.js'
export type { RepeatOptions } from './layers/repeat.js'
export type { ResidualOptions } from './layers/residual.js'
export type { ScaleOptions } from './layers/scale.js'
export type { NamedLayer } from './layers/sequential.js'
export type { ConstantScalingOptions, DropoutShortcutOptions, GateOptions, ProjectionOptions, ShortcutLike } from './layers/shortcut.js'
export type { ModelName } from './models/names.js'
export type { Block } from './models/choices.js'
export type { PreResNetDescription, PreResNetOptions } from './models/description.js'
export type { UnitName } from './models/units.js'

export type { CustomDatasetOptions } from './data/custom.js'
export type {
  CorruptImage,
  CustomSource,
  Dataset,
  DataSplit,
  ImageShape,
  ListedFiles,
  MemorySource,
  RangeSource,
  ReadSample,
  SourceOptions,
} from './data/dataset.js'
export type { PathList } from './data/path_list.js'
export type { ParquetOptions } from './data/parquet/dataset.js'
export type { DownloadOptions, DownloadProgress } from './data/download.js'
export type { ImageFolderSplitsOptions } from './data/image_splits.js'
export type { LoadedBatch } from './data/loaded_batch.js'
export type { Loader } from './data/loader.js'
export type { RingBatch } from './data/ring_batch.js'
export type { MemoryDatasetOptions } from './data/memory.js'
export type { CacheOptions, ImageNetFolderOptions, LoaderOptions, PackOptions } from './data/options.js'
export type { PackedArchive, PackProgress, VerifyOptions } from './data/packed.js'
export type { CacheChoice, CompletePreparation, Normalization, Preparation } from './data/prepare/preparation.js'
export type { Augmentation, ColorJitter, Lighting, RandAugment, RandomErasing, TrivialAugment } from './data/prepare/augmentations.js'
export type { CenterCrop, ExifOrientation, Flip, PreparationStep, RandomCrop, RandomResize, RandomResizedCrop, Resize } from './data/prepare/steps.js'

export type { LossScale, OptimizerState } from './compiler/options.js'
export type { SessionMemory, TraceEvent, BytesMoved } from './native/reports.js'
export type { ClassLabels, PixelSamples, SoftLabels, UserBatch, UserSamples, ValueSamples } from './runtime/batch.js'
export type { BatchSize, SessionOptions } from './runtime/session_options.js'
export type { CudaSettings } from './runtime/cuda.js'
export type { DeviceChoice, PrecisionChoice } from './runtime/device.js'
export type { EvaluateOptions, InferOptions, LearningRate, LoadOptions, SaveOptions, StepsOptions } from './runtime/call_options.js'
export type { ConfusionCell, ConfusionMatrix, Evaluation, StepMetrics } from './runtime/metrics.js'
export type { ModelDescription } from './runtime/model_file.js'
export type { ModelPreparation } from './runtime/model_preparation.js'
export type { LarsOptimizer, MomentsOptimizer, Optimizer, ParameterGroup, SgdOptimizer } from './runtime/optimizer.js'
export type { SessionPreparation } from './runtime/preparation.js'
export type { Session } from './runtime/session.js'
export type { Tensor, Values } from './runtime/tensor.js'

export type { RanksOptions } from './ranks/options.js'
export type { Ranks } from './ranks/ranks.js'

export type { StartingPoint } from './training/fine_tuning.js'
export type { Run } from './training/fit.js'
export type { CheckpointOptions, FitLength, FitOptions, FitSettings } from './training/fit_options.js'
export type { Manifest } from './training/manifest.js'
export type { CheckpointEvent, FinishedEvent, RunEvent, StartEvent, StepEvent, ValidationEvent } from './training/run_events.js'
export type { MetricsLine, TrainLine, ValidationLine } from './training/run_log.js'
export type { Duration, RunLength } from './training/duration.js'
export type { Schedule, ScheduleKind } from './training/schedule.js'
export type {
  ConstantOptions,
  CosineOptions,
  LinearWarmupOptions,
  Milestones,
  MultiStepOptions,
  OneCycleOptions,
  PolyOptions,
  Warmup,
} from './training/schedule_options.js'
export type { SgdOptions } from './training/sgd.js'
export type { AdamWOptions, LambOptions, LarsOptions } from './training/optimizers.js'
export type { Recipe } from './training/recipe.js'
export type { Best } from './training/state.js'
export type { TrainedModel } from './training/trained.js'

export type { ExportOptions, ImportOptions, OnnxImportOptions, OnnxOptions } from './exchange/options.js'
export type { ImportedModel } from './exchange/imported.js'

export type { Classification } from './inference/classifier.js'
export type { ImageFile, ImageInput, ImagePixels } from './inference/image_input.js'
export type { ClassifierOptions, RequestOptions } from './inference/options.js'
export type { ClassifierStatistics } from './inference/pipeline.js'
export type { InferenceOutputs } from './runtime/infer.js'
