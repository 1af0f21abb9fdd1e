import { rateField } from './common.js'
import type { Document, DocumentOf } from './document.js'
import { choice, integer, list, object, text } from './field.js'

export const benchDataDocument = {
  name: 'bench data',
  help: 'How fast images are read, decoded and prepared.',
  version: 1,
  many: false,
  fields: {
    data: text('Name of the images, as `digits/train`.'),
    images: integer({ help: 'Images.', unit: 'images', minimum: 1 }),
    training: text('Steps of preparation to train.'),
    evaluation: text('Steps of preparation to evaluate.'),
    torchvision: text('Versions of torchvision and PyTorch, or why they were not measured.'),
    rates: list(
      'One entry a stage and number of workers.',
      object('A rate.', {
        stage: choice(
          "What was done: reading the bytes of files through Node; preparing as to evaluate, or as to train, which read and decode too; the last two by torchvision's DataLoader.",
          ['read', 'evaluate', 'train', 'torchvision evaluate', 'torchvision train'],
        ),
        workers: integer({ help: 'Threads; of torchvision, processes.', unit: 'threads', minimum: 1 }),
        imagesPerSecond: rateField('Median of the rounds.'),
      }),
    ),
  },
} satisfies Document

export type DataRates = DocumentOf<typeof benchDataDocument>
