import type { Document } from './document.js'
import { text } from './field.js'

export const reportField = text('Path of the HTML page that was written.')

export const reportDocument = {
  name: 'report',
  help: 'Where the page of a run is.',
  version: 1,
  many: false,
  fields: { report: reportField },
} satisfies Document
