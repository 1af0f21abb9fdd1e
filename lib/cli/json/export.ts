import type { Document } from './document.js'
import { choice, text } from './field.js'

export const exportFormats = ['safetensors', 'onnx'] as const

export const exportDocument = {
  name: 'export',
  help: 'Where the weights for another library, or the network for ONNX runtimes, are.',
  version: 1,
  many: false,
  fields: {
    weights: text('Path of the file that was written.'),
    format: choice('What it is.', exportFormats),
  },
} satisfies Document
