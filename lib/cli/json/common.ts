/** Fields that several documents have. */
import { choice, integer, list, nullable, number, object, optional, text, type Field, type ValueOf } from './field.js'

const precisions = ['fp64', 'fp32', 'tf32', 'bf16', 'bf16-native', 'fp16'] as const

export const precisionField = choice('Arithmetic that was used.', precisions)
export const deviceField = choice('Who computed; `cuda-emulated` is the GPU of the tests, whose time says nothing.', [
  'reference',
  'cpu',
  'cuda',
  'cuda-emulated',
])
export type ShownDevice = ValueOf<typeof deviceField>
export const networkField = text('Name of the network.')
export const parametersField = integer({ help: 'Trained values; running statistics do not count.', unit: 'values', minimum: 0 })
export const secondsField = number({ help: 'How long it took.', unit: 'seconds', minimum: 0 })

export const bytes = (help: string): Field<number, false> => integer({ help, unit: 'bytes', minimum: 0 })
export const images = (help: string): Field<number, false> => integer({ help, unit: 'images', minimum: 0 })
export const share = (help: string): Field<number, false> => number({ help, unit: null, minimum: 0, maximum: 1 })

export const corruptField = images('Images that could not be decoded, each counted once; 0 without `--corrupt skip`.')

export const rateField = (help: string): Field<number, false> => number({ help, unit: 'images a second', minimum: 0, above: true })
export const classNames = list('Names of the classes, in the order of the labels.', text('A name.'))

export const batchField = integer({ help: 'Images that one step takes.', unit: 'images', minimum: 1 })
/** JSON has no NaN. */
export const lossField = nullable(
  number({ help: 'Mean cross-entropy, with the label smoothing of the training.', unit: 'nats an image', minimum: 0 }),
  'where it is not a finite number',
)

/** A confusion matrix of more classes is given by its cells that are not 0: 10,000 classes have 100,000,000. */
export const mostRows = 100

export const confusionField = object('Confusion matrix: which classes are taken for which.', {
  classes: list('Names of the classes; the number of one that has no name.', text('A name.')),
  counts: optional(
    list(
      'Images by label, then by predicted class: `counts[label][prediction]`.',
      list('A row: images of one label.', images('Images that got this prediction.')),
    ),
    `where there are more than ${String(mostRows)} classes`,
  ),
  cells: optional(
    list(
      'The pairs of label and prediction that occurred, by label and then by prediction.',
      object('One pair.', {
        label: integer({ help: 'Place of the label in `classes`.', unit: null, minimum: 0 }),
        prediction: integer({ help: 'Place of the predicted class in `classes`.', unit: null, minimum: 0 }),
        images: images('Images of this label that got this prediction.'),
      }),
    ),
    `where there are at most ${String(mostRows)} classes`,
  ),
})
export type Confusion = ValueOf<typeof confusionField>
