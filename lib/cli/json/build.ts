import type { Document } from './document.js'
import { text } from './field.js'

export const buildDocument = {
  name: 'build',
  help: 'The native addon, or the library for MPI, that was built. Exit status 1, and no document, where it could not be.',
  version: 1,
  many: false,
  fields: {
    file: text('What was built.'),
    version: text('The version of the addon.'),
  },
} satisfies Document
