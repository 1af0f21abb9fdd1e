// A Python with the runtimes that inference is compared with.
import { pythonWith } from '../../scripts/support/python.mjs'
import { onnxVersions } from '../../scripts/verify/onnx_python.mjs'

export const runtimesPython = () => pythonWith({ ...onnxVersions, openvino: '2026.4.1' })
