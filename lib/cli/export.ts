import { exportOptions, exportWeights } from '../exchange/index.js'
import { stringOption } from '../options/spec.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { exportDocument } from './json/export.js'
import { print } from './output.js'

const options = {
  ...exportOptions,
  output: stringOption({ group: 'Output', help: 'safetensors file to write', metavar: 'file', fallback: 'weights.safetensors' }),
}

export const exportCommand: CommandSpec<typeof options> = {
  name: 'export',
  summary: "a model's weights under the names of timm or torchvision, for load_state_dict(strict=True)",
  arguments: [['<model>', 'a model file, as runs/first/model.safetensors']],
  options,
  json: exportDocument,
  examples: [
    ['export runs/first/model.safetensors --to timm', 'writes weights.safetensors'],
    ['export model.safetensors --to torchvision --output resnet50.safetensors --json', 'for a script'],
  ],
  async run({ json, output, to }, [model]) {
    await exportWeights(model as string, output, { to })
    if (json) printJson(exportDocument, { weights: output })
    else print(output)
    return 0
  },
}
