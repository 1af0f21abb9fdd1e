import type { Document } from './document.js'
import { text } from './field.js'

export const exportDocument = {
  name: 'export',
  help: 'Where the weights for another library are.',
  version: 1,
  many: false,
  fields: { weights: text('Path of the safetensors file that was written.') },
} satisfies Document
