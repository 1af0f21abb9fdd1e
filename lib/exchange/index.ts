/** Weights from and for other libraries. */
export { exportWeights } from './export.js'
export { importWeights } from './import.js'
export { exportOptions, importOptions } from './options.js'
