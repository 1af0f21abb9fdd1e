/** The options of `importWeights` and `exportWeights`. */
import { choiceOption, type Given, type Table } from '../options/spec.js'
import { libraries } from './families.js'
import { presetNames } from './preparation.js'

const group = 'Command'

export const importOptions = {
  from: choiceOption({ group, help: 'library whose names the file has', choices: libraries, required: true }),
  preparation: choiceOption({
    group,
    help: 'how images become the input of these weights, where no config.json of timm beside the file says it; goes before it where both do',
    choices: presetNames,
    usual: '`pretrained_cfg` of config.json beside the file',
  }),
} satisfies Table

export const exportOptions = {
  to: choiceOption({ group, help: 'library whose names the file gets', choices: libraries, required: true }),
} satisfies Table

export interface ImportOptions extends Given<typeof importOptions> {}
export interface ExportOptions extends Given<typeof exportOptions> {}
