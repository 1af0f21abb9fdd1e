import type { Document } from './document.js'
import { integer, list, object, optional, text } from './field.js'
import { share } from './common.js'

export const predictDocument = {
  name: 'predict',
  help: 'What is on each image, in the order of the command line. Exit status 1 where an entry has an `error`.',
  version: 1,
  many: true,
  fields: {
    image: text('Path of the image, as it was given.'),
    classes: optional(
      list(
        'The most probable classes, the most probable first.',
        object('One class.', {
          label: text('Name of the class; its number where it has no name.'),
          index: integer({ help: 'Its number, counted from 0.', unit: null, minimum: 0 }),
          probability: share('Its probability.'),
        }),
      ),
      'where there is an `error`',
    ),
    error: optional(
      object('Why the image could not be read.', { code: text('Code of the error, as in errors.md.'), message: text('What was expected and what was found.') }),
      'where there are `classes`',
    ),
  },
} satisfies Document
