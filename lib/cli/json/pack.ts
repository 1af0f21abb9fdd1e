import { bytes, images } from './common.js'
import type { Document } from './document.js'
import { text } from './field.js'

export const packDocument = {
  name: 'pack',
  help: 'The archive that was written, or with `--verify` the one that was read.',
  version: 1,
  many: false,
  fields: {
    path: text('Path of the archive; its index has the same with `.index` behind it.'),
    samples: images('Samples in it.'),
    bytes: bytes('Size of the archive.'),
    contents: text('What is in it: `files as they were`, or how they were encoded.'),
  },
} satisfies Document
