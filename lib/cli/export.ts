import { PreresnetError } from '../errors.js'
import { exportOnnx, exportOptions, exportWeights, onnxOptions } from '../exchange/index.js'
import { pick } from '../options/check.js'
import { choiceOption, stringOption, variant } from '../options/spec.js'
import type { CommandSpec } from './command.js'
import { printJson } from './json/document.js'
import { exportDocument, exportFormats } from './json/export.js'
import { checkOtherFile } from './other_file.js'
import { print } from './output.js'

const { norms, input, answers } = onnxOptions
const only = 'with --format onnx'

const options = {
  format: choiceOption({
    group: 'Command',
    help: 'weights under the names of another library, or the network for ONNX runtimes',
    choices: exportFormats,
    fallback: 'safetensors',
  }),
  to: variant(exportOptions.to, { help: `${exportOptions.to.help}, with --format safetensors`, required: false }),
  // Without a default each says whether it was given: one that would change nothing is a mistake.
  norms: variant(norms, { help: `${norms.help}; ${only}`, fallback: undefined, usual: norms.fallback }),
  input: variant(input, { help: `${input.help}; ${only}`, fallback: undefined, usual: input.fallback }),
  answers: variant(answers, { help: `${answers.help}; ${only}`, fallback: undefined, usual: answers.fallback }),
  output: stringOption({ group: 'Output', help: 'file to write', metavar: 'file', usual: 'weights.safetensors, or model.onnx' }),
}

export const exportCommand: CommandSpec<typeof options> = {
  name: 'export',
  summary: "a model's weights under the names of timm or torchvision, for load_state_dict(strict=True), or the whole network as an ONNX file",
  arguments: [['<model>', 'a model file, as runs/first/model.safetensors']],
  options,
  json: exportDocument,
  examples: [
    ['export runs/first/model.safetensors --to timm', 'writes weights.safetensors'],
    ['export model.safetensors --to torchvision --output resnet50.safetensors --json', 'for a script'],
    ['export model.safetensors --format onnx', 'writes model.onnx, which takes normalized values'],
    ['export model.safetensors --format onnx --input nhwc --output pixels.onnx', 'takes pixels'],
  ],
  async run({ json, format, to, ...rest }, [model]) {
    const given = pick(onnxOptions, rest)
    const { output = format === 'onnx' ? 'model.onnx' : 'weights.safetensors' } = rest
    await checkOtherFile('--output', model as string, output)
    if (format === 'onnx') {
      if (to !== undefined) throw unused('to', 'safetensors')
      await exportOnnx(model as string, output, given)
    } else {
      for (const key of Object.keys(given)) throw unused(key, 'onnx')
      if (to === undefined) throw new PreresnetError('ERR_OPTION', `--to: expected ${exportOptions.to.accepts}, or --format onnx without it; got neither`)
      await exportWeights(model as string, output, { to })
    }
    if (json) printJson(exportDocument, { weights: output, format })
    else print(output)
    return 0
  },
}

const unused = (key: string, format: string): PreresnetError =>
  new PreresnetError('ERR_OPTION', `export: --${key} is for --format ${format}; leave it out, or give --format ${format}`)
