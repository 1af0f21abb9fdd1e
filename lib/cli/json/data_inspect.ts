import { classNames, images, rateField } from './common.js'
import type { Document, DocumentOf } from './document.js'
import { integer, list, number, object, optional, text } from './field.js'

const sizeField = (help: string) =>
  object(help, {
    height: integer({ help: 'Rows, as stored.', unit: 'pixels', minimum: 1 }),
    width: integer({ help: 'Columns, as stored.', unit: 'pixels', minimum: 1 }),
  })

export const dataInspectDocument = {
  name: 'data inspect',
  help: 'What a data set holds, what in it is broken, and how fast it is read.',
  version: 1,
  many: false,
  fields: {
    data: text('Name of the images, as `digits/train`.'),
    images: images('Images.'),
    classes: classNames,
    imagesPerClass: list('Images of each class, in the order of the classes.', images('Images of the class.')),
    sizes: optional(
      object('Sizes as stored, by pixels.', {
        smallest: sizeField('The smallest image.'),
        median: sizeField('The median.'),
        largest: sizeField('The largest image.'),
      }),
      'where no header can be read',
    ),
    corrupt: list(
      'Images that cannot be decoded, in the order of the data.',
      object('One of them.', {
        sample: integer({ help: 'Its number in the data.', unit: null, minimum: 0 }),
        reason: text('What is wrong, behind the path of the file.'),
      }),
    ),
    training: text('Steps of preparation to train.'),
    evaluation: text('Steps of preparation to evaluate.'),
    workers: integer({ help: 'Threads that decoded.', unit: 'threads', minimum: 1 }),
    imagesPerSecond: rateField('Images that these threads prepare to train in a second.'),
    epochSeconds: number({ help: 'How long they take for all images, estimated from that.', unit: 'seconds', minimum: 0 }),
    sheet: optional(text('Path of the contact sheet.'), 'without `--output`'),
  },
} satisfies Document

export type DataInspection = DocumentOf<typeof dataInspectDocument>
