// A Python with the runtimes that inference is compared with.
import { pythonWith } from '../../scripts/support/python.mjs'
import { onnxVersions } from '../../scripts/verify/onnx_python.mjs'

const versions = { ...onnxVersions, openvino: '2026.4.1' }

/** Those that are measured: a search among them holds for these versions. */
export const runtimeVersions = `${versions.onnxruntime} ${versions.openvino}`

export const runtimesPython = () => pythonWith(versions)
