/** The options of `importWeights`, `exportWeights` and `exportOnnx`. */
import { readPreparation } from '../data/prepare/preparation.js'
import { choiceOption, valueOption, type Given, type Table } from '../options/spec.js'
import type { ModelPreparation } from '../runtime/model_preparation.js'
import { libraries } from './families.js'
import { inputForms } from './onnx/input.js'
import { onnxPresetNames, presetNames } from './preparation.js'

const group = 'Command'

export const importOptions = {
  /** Library whose names the file has. Give "timm" or "torchvision". */
  from: choiceOption({ group, help: 'library whose names the file has', choices: libraries, required: true }),
  /**
   * How images become the input of these weights, where no config.json of timm beside the file says it; goes before it where both do. Give "timm-resnetv2" or
   * "torchvision-v1" or "torchvision-v2".
   * @default `pretrained_cfg` of config.json beside the file
   */
  preparation: choiceOption({
    group,
    help: 'how images become the input of these weights, where no config.json of timm beside the file says it; goes before it where both do',
    choices: presetNames,
    usual: '`pretrained_cfg` of config.json beside the file',
  }),
} satisfies Table

export const exportOptions = {
  /** Library whose names the file gets. Give "timm" or "torchvision". */
  to: choiceOption({ group, help: 'library whose names the file gets', choices: libraries, required: true }),
} satisfies Table

export const onnxOptions = {
  /**
   * Folded: a convolution takes over the norm behind it where nothing else reads its result; kept: every norm stays, and parameters keep their bits. Give
   * "folded" or "kept".
   * @default folded
   */
  norms: choiceOption({
    group,
    help: 'folded: a convolution takes over the norm behind it where nothing else reads its result; kept: every norm stays, and parameters keep their bits',
    choices: ['folded', 'kept'],
    fallback: 'folded',
  }),
  /**
   * What the file takes: values in fp32 that are normalized already, by channel, row and column; or pixels, which it normalizes itself, by channel, row and
   * column (nchw) or by row, column and channel (nhwc). Give "normalized" or "nchw" or "nhwc".
   * @default normalized
   */
  input: choiceOption({
    group,
    help:
      'what the file takes: values in fp32 that are normalized already, by channel, row and column; or pixels, which it normalizes itself, by channel, row and ' +
      'column (nchw) or by row, column and channel (nhwc)',
    choices: inputForms,
    fallback: 'normalized',
  }),
  /** What the file gives: probabilities of the classes, or logits. Give "probabilities" or "logits". @default probabilities */
  answers: choiceOption({
    group,
    help: 'what the file gives: probabilities of the classes, or logits',
    choices: ['probabilities', 'logits'],
    fallback: 'probabilities',
  }),
} satisfies Table

export const onnxImportOptions = {
  /**
   * How images become the input of this network, where the file does not say it as exportOnnx does; goes before it where both do. Give "timm-resnetv2" or
   * "torchvision-v1" or "torchvision-v2" or "caffe".
   * @default the metadata of the file
   */
  preparation: choiceOption({
    group,
    help: 'how images become the input of this network, where the file does not say it as exportOnnx does; goes before it where both do',
    choices: onnxPresetNames,
    usual: 'the metadata of the file',
  }),
  /** The same in full: steps of evaluation and normalization. Give a preparation with a normalization. @default undefined */
  prepare: valueOption<ModelPreparation>()({
    group,
    help: 'the same in full: steps of evaluation and normalization',
    accepts: 'a preparation with a normalization',
    read: (where, value) => readPreparation(where, value) as ModelPreparation,
  }),
  /**
   * Which color the network takes first; images are red, green, blue here, and the weights of the first convolution are turned round for the other. Give "rgb"
   * or "bgr".
   * @default bgr with the preparation "caffe", else rgb
   */
  channelOrder: choiceOption({
    group,
    help: 'which color the network takes first; images are red, green, blue here, and the weights of the first convolution are turned round for the other',
    choices: ['rgb', 'bgr'],
    usual: 'bgr with the preparation "caffe", else rgb',
  }),
} satisfies Table

/** These say what a file of another library's weights is. */
export type ImportOptions = Given<typeof importOptions>
/** These say for whom a file of weights is. */
export type ExportOptions = Given<typeof exportOptions>
/** These say what an ONNX file takes and gives. */
export type OnnxOptions = Given<typeof onnxOptions>
/** These say how images become the input of a network from an ONNX file. */
export type OnnxImportOptions = Given<typeof onnxImportOptions>
