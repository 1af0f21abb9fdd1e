// A network with random weights as a model file and, by exportOnnx, as an ONNX file that takes pixels as they are decoded: speed does not depend on the weights.
import { join } from 'node:path'
import { centerCrop, compile, exportOnnx, preResNet, resize } from '../../../dist/lib/index.js'

export const filesIn = (folder) => ({ own: join(folder, 'model.safetensors'), onnx: join(folder, 'model.onnx') })

export async function writeModels(folder, name, decode) {
  const network = preResNet(name)
  const prepare = { evaluate: [resize(256, { decode }), centerCrop()], normalization: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } }
  const session = await compile(network, { device: 'cpu', precision: 'fp32', prepare, batch: 1, seed: 1, evaluation: false })
  const { own, onnx } = filesIn(folder)
  await session.save(own)
  await session.dispose()
  await exportOnnx(own, onnx, { input: 'nhwc', answers: 'logits' })
}
