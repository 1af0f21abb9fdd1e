import { confusionField, corruptField, deviceField, images, networkField, precisionField, secondsField, share } from './common.js'
import type { Document, DocumentOf } from './document.js'
import { choice, integer, nullable, optional, text } from './field.js'
import { reportField } from './report.js'

const notTested = 'where no image was tested in the last stretch of the run'

export const trainDocument = {
  name: 'train',
  help: 'Result of a training that has ended; the file `result.json` of the run is the same document. A training that a signal ends prints nothing.',
  version: 1,
  many: false,
  fields: {
    outcome: choice('How the run ended.', ['completed', 'stopped']),
    network: networkField,
    data: text('Name of the training images, as `digits/train`.'),
    device: deviceField,
    precision: precisionField,
    seconds: secondsField,
    steps: integer({ help: 'Steps that are done, those before a resume included.', unit: 'steps', minimum: 0 }),
    dataShare: share('Share of the time of the steps that was spent waiting for data; of a resumed run, since then.'),
    corruptImages: corruptField,
    trainImages: images('Images to train on.'),
    testImages: images('Images to validate on: those of the validation set, or of the test set where there is none. They are the test images below.'),
    testErrors: nullable(images('Test images whose label is not the most probable class, by the last validation.'), notTested),
    top1Error: nullable(share('Share of the test images whose label is not the most probable class.'), notTested),
    top5Error: nullable(share('Share of the test images whose label is not among the five most probable classes.'), notTested),
    top1Accuracy: nullable(share('Share of the test images whose label is the most probable class.'), notTested),
    top5Accuracy: nullable(share('Share of the test images whose label is among the five most probable classes.'), notTested),
    model: text('Path of the model file.'),
    from: optional(text('Model file that was trained further.'), 'where training began from start values'),
    replacedOutputs: optional(
      integer({ help: 'Outputs of that file, where the images have another number of classes and the head is new.', unit: 'outputs', minimum: 1 }),
      'where the head is the one of the file, or training began from start values',
    ),
    confusion: optional(confusionField, notTested),
  },
} satisfies Document

/** result.json, but for its version. */
export type RunResult = DocumentOf<typeof trainDocument>

export const quickstartDocument = {
  name: 'quickstart',
  help: 'Result of the training, as of `train`, and where its page is.',
  version: 1,
  many: false,
  fields: { ...trainDocument.fields, report: reportField },
} satisfies Document
