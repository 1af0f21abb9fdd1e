import { confusionField, corruptField, deviceField, images, lossField, precisionField, secondsField, share } from './common.js'
import type { Document } from './document.js'
import { number, text } from './field.js'

export const evalDocument = {
  name: 'eval',
  help: 'Errors of a model on labeled images, and its confusion matrix.',
  version: 1,
  many: false,
  fields: {
    model: text('Path of the model file, as it was given.'),
    data: text('Name of the images, as `digits/test`.'),
    device: deviceField,
    precision: precisionField,
    samples: images('Images that were evaluated.'),
    corruptImages: corruptField,
    loss: lossField,
    top1Errors: images('Images whose label is not the most probable class.'),
    top5Errors: images('Images whose label is not among the five most probable classes.'),
    top1Error: share('Share of the images whose label is not the most probable class.'),
    top5Error: share('Share of the images whose label is not among the five most probable classes.'),
    top1Accuracy: share('Share of the images whose label is the most probable class.'),
    top5Accuracy: share('Share of the images whose label is among the five most probable classes.'),
    seconds: secondsField,
    dataSeconds: number({ help: 'Of them, how long it waited for data.', unit: 'seconds', minimum: 0 }),
    confusion: confusionField,
  },
} satisfies Document
