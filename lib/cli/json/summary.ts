import { networkField, parametersField } from './common.js'
import type { Document } from './document.js'
import { choice, integer, list, object, text, type Field } from './field.js'

const kinds = [
  'input',
  'conv2d',
  'batchNorm',
  'relu',
  'sigmoid',
  'add',
  'multiply',
  'affine',
  'dropout',
  'optionA',
  'maxPool',
  'averagePool',
  'globalAveragePool',
  'linear',
] as const

const multiplyAdds = (help: string): Field<number, false> => integer({ help, unit: 'multiply-adds an image', minimum: 0 })
const pixels = (help: string): Field<number, false> => integer({ help, unit: 'pixels', minimum: 1 })

export const summaryDocument = {
  name: 'summary',
  help: 'Layers, parameters and multiply-adds of a network.',
  version: 1,
  many: false,
  fields: {
    network: networkField,
    input: object('Images that the network takes.', {
      height: pixels('Their height.'),
      width: pixels('Their width.'),
      channels: integer({ help: 'Their channels: 3 for color, 1 for gray.', unit: 'channels', minimum: 1 }),
    }),
    parameters: parametersField,
    multiplyAdds: multiplyAdds('Multiply-adds of convolutions and linear layers, one image forward.'),
    layers: list(
      'Layer by layer, from the images to the classes.',
      object('One layer.', {
        name: text('Name of the layer.'),
        kind: choice('What it computes.', kinds),
        shape: list('Shape of its output for one image: channels, height and width, or features.', integer({ help: 'One extent.', unit: null, minimum: 1 })),
        parameters: parametersField,
        multiplyAdds: multiplyAdds('Multiply-adds of this layer.'),
      }),
    ),
  },
} satisfies Document
