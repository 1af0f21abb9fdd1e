import { networkField } from './common.js'
import type { Document } from './document.js'
import { integer, text } from './field.js'

export const importDocument = {
  name: 'import',
  help: 'The model file that was made of the weights, or of the network, of another program.',
  version: 1,
  many: false,
  fields: {
    model: text('Path of the model file that was written.'),
    network: networkField,
    tensors: integer({ help: 'Parameters and running statistics in the file.', unit: 'tensors', minimum: 1 }),
  },
} satisfies Document
