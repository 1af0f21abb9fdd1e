export { batchNorm, type BatchNormOptions } from './batch_norm.js'
export { classifier, type ClassifierHeadOptions } from './classifier.js'
export { conv2d, type Conv2dOptions } from './conv2d.js'
export { dropout, type DropoutOptions } from './dropout.js'
export { networkFromJson } from './json.js'
export type * from './layer.js'
export { linear, type LinearOptions } from './linear.js'
export { network, type NetworkOptions } from './network.js'
export { optionA, type OptionAOptions } from './option_a.js'
export * from './pool.js'
export { relu } from './relu.js'
export { repeat, type RepeatOptions } from './repeat.js'
export { residual, type ResidualOptions } from './residual.js'
export { scale, type ScaleOptions } from './scale.js'
export { type NamedLayer, sequential } from './sequential.js'
export {
  constantScaling,
  type ConstantScalingOptions,
  dropoutShortcut,
  type DropoutShortcutOptions,
  gate,
  type GateOptions,
  identity,
  layersShortcut,
  projection,
  type ProjectionOptions,
  type ShortcutLike,
} from './shortcut.js'
