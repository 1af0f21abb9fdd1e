/** Weights from and for other libraries. */
export { exportWeights } from './export.js'
export { importWeights } from './import.js'
export { exportOnnx } from './onnx/export.js'
export { importOnnx } from './onnx/import.js'
export { exportOptions, onnxImportOptions, onnxOptions } from './options.js'
