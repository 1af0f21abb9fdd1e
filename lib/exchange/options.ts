/** The options of `importWeights` and `exportWeights`. */
import { choiceOption, type Given, type Table } from '../options/spec.js'
import { libraries } from './families.js'
import { presetNames } from './preparation.js'

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

/** These say what a file of another library's weights is. */
export type ImportOptions = Given<typeof importOptions>
/** These say for whom a file of weights is. */
export type ExportOptions = Given<typeof exportOptions>
