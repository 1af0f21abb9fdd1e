import { bytes, images } from './common.js'
import type { Document } from './document.js'
import { list, object, text } from './field.js'

export const dataIndexDocument = {
  name: 'data index',
  help: 'The indexes that were written beside folders of images.',
  version: 1,
  many: false,
  fields: {
    indexes: list(
      'One for each folder.',
      object('An index.', {
        folder: text('Path of the folder, as it was given.'),
        index: text('Path of the index.'),
        images: images('Images in the folder.'),
        bytes: bytes('Size of all images together.'),
      }),
    ),
  },
} satisfies Document
