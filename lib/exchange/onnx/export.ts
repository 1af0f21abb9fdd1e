/** Networks of ours become files that ONNX runtimes take. */
import { PreresnetError } from '../../errors.js'
import { replaceFileBy } from '../../formats/files.js'
import { encodeMessage, type Given } from '../../formats/protobuf_messages.js'
import { writeChunks } from '../../formats/write_chunks.js'
import { checkOptions, withDefaults } from '../../options/check.js'
import { packageVersion } from '../../package.js'
import type { Session } from '../../runtime/session.js'
import { modelOf, type Model } from '../model.js'
import { onnxOptions, type OnnxOptions } from '../options.js'
import { OnnxBuilder } from './builder.js'
import { emitNetwork } from './graph.js'
import { emitInput, valueInfo } from './input.js'
import { dataTypes, modelProto } from './messages.js'

/** As of ONNX 1.12, of June 2022: every runtime in use reads them. */
const irVersion = 8
const operatorSet = 17
/** No protocol buffer may be longer. */
const mostBytes = 2 ** 31 - 1

/**
 * Writes a network as an ONNX file for inference: operator set 17, any number of images at a time, parameters in fp32.
 * @param source - A session, or the path of a model file.
 * @param path - File to write; it is replaced as a whole.
 * @param options - What the file takes and gives, and whether norms are folded.
 * @throws ERR_OPTION where the input shall be pixels and the model does not say how they were normalized.
 * @throws ERR_FILE where the model file is malformed, or the file cannot be written.
 * @throws ERR_UNSUPPORTED where the file would be longer than an ONNX file can be, 2 GiB.
 * @example
 * await exportOnnx('model.safetensors', 'model.onnx', { input: 'nhwc' })
 */
export async function exportOnnx(source: Session | string, path: string, options: OnnxOptions = {}): Promise<void> {
  const complete = withDefaults(onnxOptions, checkOptions('exportOnnx', onnxOptions, options))
  const writer = encodeMessage(modelProto, await onnxModel(await modelOf('exportOnnx', source), complete))
  if (writer.length > mostBytes)
    throw new PreresnetError('ERR_UNSUPPORTED', `${path}: expected a network of at most ${mostBytes} bytes, as an ONNX file can hold, got ${writer.length}`)
  await replaceFileBy(path, (file) => writeChunks(file, writer.chunks()))
}

async function onnxModel(model: Model, options: Required<OnnxOptions>): Promise<Given<typeof modelProto>> {
  const { graph, network, tensors, prepare } = model
  const { shape } = graph.nodes.at(-1)!
  if (shape.kind !== 'features')
    throw new PreresnetError('ERR_OPTION', `exportOnnx: ${graph.name}: expected a network that ends in a classifier, got one that ends in an image`)
  const builder = new OnnxBuilder()
  const input = emitInput(builder, options.input, network.input, prepare)
  const logits = await emitNetwork(builder, graph, tensors, input.name, options.norms === 'folded')
  const answers = options.answers === 'probabilities' ? builder.node('Softmax', 'probabilities', [logits], { axis: 1 }) : builder.rename(logits, 'logits')
  return {
    irVersion,
    producerName: 'preresnet',
    producerVersion: packageVersion(),
    graph: {
      nodes: builder.nodes,
      name: graph.name,
      initializers: builder.initializers,
      inputs: [input.description],
      outputs: [valueInfo(answers, dataTypes.float, [shape.features])],
    },
    operatorSets: [{ domain: '', version: operatorSet }],
    metadata: metadataOf(model, options),
  }
}

/** The same texts as in our model files, and what of the preparation the graph does itself. */
function metadataOf({ prepare, classes }: Model, { input }: Required<OnnxOptions>): readonly { readonly key: string; readonly value: string }[] {
  const texts = {
    input: { layout: input === 'nhwc' ? 'NHWC' : 'NCHW', values: input === 'normalized' ? 'normalized' : 'pixels' },
    ...(prepare && { prepare }),
    ...(classes && { classes }),
  }
  return Object.entries(texts).map(([key, value]) => ({ key, value: JSON.stringify(value) }))
}
