// A network with random weights as a model file and, by exportOnnx, as an ONNX file that takes pixels as they are decoded: speed does not depend on the weights.
import { join } from 'node:path'
import { presetPreparation } from '../../../dist/lib/exchange/preparation.js'
import { centerCrop, compile, exportOnnx, preResNet, resize } from '../../../dist/lib/index.js'

export const filesIn = (folder) => ({ own: join(folder, 'model.safetensors'), onnx: join(folder, 'model.onnx') })

export async function saveModel(path, name, prepare) {
  const session = await compile(preResNet(name), { device: 'cpu', precision: 'fp32', prepare, batch: 1, seed: 1, evaluation: false })
  await session.save(path)
  await session.dispose()
}

export async function writeModels(folder, name, decode) {
  const { own, onnx } = filesIn(folder)
  await saveModel(own, name, { evaluate: [resize(256, { decode }), centerCrop()], normalization: presetPreparation('torchvision-v1').normalization })
  await exportOnnx(own, onnx, { input: 'nhwc', answers: 'logits' })
}
