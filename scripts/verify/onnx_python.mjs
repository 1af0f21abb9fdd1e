// A Python with onnx and onnxruntime, for onnx.mjs.
//   node scripts/verify/onnx_python.mjs    makes it; ends with status 1 where it cannot be had
import { pythonWith } from '../support/python.mjs'

export const onnxVersions = { onnx: '1.23.2', onnxruntime: '1.31.1' }

/** Undefined where it cannot be had. */
export const onnxPython = () => pythonWith(onnxVersions)

if (process.argv[1] === import.meta.filename && onnxPython() === undefined) process.exitCode = 1
