// A Python with onnx and onnxruntime, in a virtual environment in the cache folder, where another clone finds it.
//   node scripts/verify/onnx_python.mjs    makes it; ends with status 1 where it cannot be had
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../../dist/lib/runtime/remembered.js'
import { output } from '../support/run.mjs'

const versions = { onnx: '1.23.2', onnxruntime: '1.31.1' }

/** Undefined where it cannot be had; what pip said is on stderr then. */
export function onnxPython() {
  const folder = join(cacheDirectory() ?? 'build/cache', `onnx-${Object.values(versions).join('-')}`)
  const path = join(folder, 'bin/python')
  if (installed(path)) return { path, versions }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(dirname(folder), { recursive: true })
  const packages = Object.entries(versions).map(([name, version]) => `${name}==${version}`)
  const quietly = { stdio: ['ignore', 'pipe', 'inherit'] }
  if (output('python3', ['-m', 'venv', folder], quietly) !== undefined)
    output(path, ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', ...packages], quietly)
  return installed(path) ? { path, versions } : undefined
}

function installed(path) {
  if (!existsSync(path)) return false
  const said = output(path, ['-c', 'import onnx, onnxruntime; print(onnx.__version__, onnxruntime.__version__)'])
  return said?.trim() === Object.values(versions).join(' ')
}

if (process.argv[1] === import.meta.filename && onnxPython() === undefined) process.exitCode = 1
