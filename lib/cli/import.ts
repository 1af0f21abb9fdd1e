import { importOptions, importWeights } from '../exchange/index.js'
import { stringOption } from '../options/spec.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { importDocument } from './json/import.js'
import { count, print } from './output.js'

const options = {
  ...importOptions,
  output: stringOption({ group: 'Output', help: 'model file to write', metavar: 'file', fallback: 'model.safetensors' }),
}

export const importCommand: CommandSpec<typeof options> = {
  name: 'import',
  summary: 'weights of timm or torchvision as a model file, for predict, eval and training',
  arguments: [['<weights>', 'a safetensors file, or one of torch.save (.pth)']],
  options,
  json: importDocument,
  examples: [
    ['import resnetv2_50/model.safetensors --from timm', 'prepared as config.json beside it says'],
    ['import resnet50.safetensors --from torchvision --preparation torchvision-v2 --output resnet50-model.safetensors', 'prepared as was usual'],
  ],
  async run({ json, output, from, preparation }, [weights]) {
    const model = await importWeights(weights as string, { from, ...(preparation !== undefined && { preparation }) })
    await model.save(output)
    const { network, parameters } = model
    if (json) printJson(importDocument, { model: output, network: network.name, tensors: parameters.size })
    else print(`${output}: ${network.name}, ${count(parameters.size)} tensors`)
    return 0
  },
}
