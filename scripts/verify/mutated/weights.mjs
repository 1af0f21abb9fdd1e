// Files of weights.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportOnnx, importOnnx, importWeights } from '../../../dist/lib/exchange/index.js'
import { writeSafetensors } from '../../../dist/lib/formats/index.js'
import { drawn, resnet } from '../../../dist/test/exchange/files.js'
import { pth } from '../../../dist/test/support/pth.js'

const presets = { from: 'torchvision', preparation: 'torchvision-v1' }
/** ERR_OPTION: what the file says and what the options say of it do not agree. */
const codes = ['ERR_FILE', 'ERR_OPTION']

/** The same names and shapes as a small network of torchvision, of few values. */
const tensors = drawn(resnet({ bottleneck: false, units: [1, 1, 1, 1], widths: [2, 2, 2, 2], classes: 2 }))

async function safetensors(folder) {
  const path = join(folder, 'base')
  await writeSafetensors(path, tensors)
  return path
}

export const weights = {
  safetensors: {
    bytes: async (folder) => readFileSync(await safetensors(folder)),
    described: (bytes) => [[0, 8 + Number(bytes.readBigUInt64LE(0))]],
    read: (path) => importWeights(path, presets),
    codes,
  },
  pth: {
    bytes: async () => pth(tensors, ['state_dict']),
    described: (bytes) => [
      [0, bytes.indexOf('weights/byteorder')],
      [bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1')), bytes.length],
    ],
    read: (path) => importWeights(path, presets),
    codes,
  },
  onnx: {
    async bytes(folder) {
      const [model, network] = [join(folder, 'model'), join(folder, 'network')]
      await (await importWeights(await safetensors(folder), presets)).save(model)
      await exportOnnx(model, network)
      return readFileSync(network)
    },
    // Nodes, then constants with their values, then inputs, outputs and what the file says of itself.
    described: (bytes) => [
      [0, bytes.lastIndexOf('stem.conv.weight')],
      [bytes.lastIndexOf('head.fc.bias'), bytes.length],
    ],
    read: (path) => importOnnx(path, { preparation: presets.preparation }),
    codes,
  },
}
