import { batchField, bytes, deviceField, networkField, parametersField, precisionField, rateField as rate } from './common.js'
import type { Document, DocumentOf } from './document.js'
import { choice, integer, optional, text } from './field.js'

export const benchDocument = {
  name: 'bench',
  help: 'Speed and memory of training or inference, on random data that lies ready in memory.',
  version: 1,
  many: false,
  fields: {
    network: networkField,
    work: choice('What was measured: steps of training, or runs of inference.', ['train', 'infer']),
    batch: batchField,
    imagesPerSecond: rate('All images by all the time measured.'),
    median: rate('Speed is also taken over stretches of about a tenth of the time; this is the median of them.'),
    minimum: rate('Slowest of the stretches.'),
    maximum: rate('Fastest of the stretches.'),
    steps: integer({ help: 'Steps that were measured.', unit: 'steps', minimum: 1 }),
    peakBytes: bytes('Highest resident size of the process above what it was with the library loaded, compilation included.'),
    deviceBytes: optional(bytes('Memory of the device that the session takes.'), 'where the device is not CUDA'),
    precision: precisionField,
    precisionReason: text('Why: what a measurement of auto found, or who asked for the precision.'),
    device: deviceField,
    threads: integer({ help: 'Threads of the CPU executor, of all sessions together.', unit: 'threads', minimum: 1 }),
    sessions: integer({ help: 'Sessions that computed at a time.', unit: 'sessions', minimum: 1 }),
    parameters: parametersField,
  },
} satisfies Document

export type Measurement = DocumentOf<typeof benchDocument>
