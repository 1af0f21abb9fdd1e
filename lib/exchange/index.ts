/** Weights from and for other libraries. */
export { exportWeights } from './export.js'
export { ImportedModel, importWeights } from './import.js'
export type { ExportOptions, ImportOptions } from './options.js'
