import type { Document } from './document.js'
import { text } from './field.js'

export const buildDocument = {
  name: 'build',
  help: 'The native addon that was built. Exit status 1, and no document, where it could not be.',
  version: 1,
  many: false,
  fields: {
    file: text('The addon.'),
    version: text('Its version.'),
  },
} satisfies Document
