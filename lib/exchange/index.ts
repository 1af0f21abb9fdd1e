/** Weights from and for other libraries. */
export { exportWeights } from './export.js'
export { importWeights } from './import.js'
export { exportOnnx } from './onnx/export.js'
export { exportOptions, importOptions, onnxOptions } from './options.js'
