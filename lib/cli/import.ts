import { libraries } from '../exchange/families.js'
import { importOnnx, importWeights, onnxImportOptions } from '../exchange/index.js'
import { PreresnetError } from '../errors.js'
import { choiceOption, stringOption, variant } from '../options/spec.js'
import { defined } from '../options/values.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { importDocument } from './json/import.js'
import { checkOtherFile } from './other_file.js'
import { count, print } from './output.js'

const options = {
  from: choiceOption({
    group: 'Command',
    help: 'library whose names the file of weights has, or onnx for a file with the network itself',
    choices: [...libraries, 'onnx'],
    required: true,
  }),
  preparation: variant(onnxImportOptions.preparation, {
    help: 'how images become the input; needed where neither config.json of timm beside the file nor metadata of exportOnnx say it, else used instead of them; caffe is for onnx alone',
    usual: 'as these say',
  }),
  channelOrder: variant(onnxImportOptions.channelOrder, { help: `onnx: ${onnxImportOptions.channelOrder.help}` }),
  output: stringOption({ group: 'Output', help: 'model file to write', metavar: 'file', fallback: 'model.safetensors' }),
}

export const importCommand: CommandSpec<typeof options> = {
  name: 'import',
  summary: 'weights of timm or torchvision, or a network in an ONNX file, as a model file, for predict, eval and training',
  arguments: [['<file>', 'a safetensors file, one of torch.save (.pth), or an ONNX file']],
  options,
  json: importDocument,
  examples: [
    ['import resnetv2_50/model.safetensors --from timm', 'prepared as config.json beside it says'],
    ['import resnet50.pth --from torchvision --preparation torchvision-v2 --output resnet50-model.safetensors', 'prepared as was usual'],
    ['import resnet50.onnx --from onnx --preparation torchvision-v1', 'a network with its weights'],
  ],
  async run({ json, output, from, preparation, channelOrder }, [given]) {
    const file = given as string
    if (from !== 'onnx' && channelOrder !== undefined) throw new PreresnetError('ERR_OPTION', `--channel-order is for --from onnx, got --from ${from}`)
    await checkOtherFile('--output', file, output)
    const model = await (from === 'onnx'
      ? importOnnx(file, defined({ preparation, channelOrder }))
      : // A preparation that is for others is refused there, and those that there are are listed.
        importWeights(file, { from, ...(defined({ preparation }) as object) }))
    await model.save(output)
    const { network, parameters } = model
    if (json) printJson(importDocument, { model: output, network: network.name, tensors: parameters.size })
    else print(`${output}: ${network.name}, ${count(parameters.size)} tensors`)
    return 0
  },
}
