// PyTorch for the benchmarks, in the ignored folder .venv: the other side of every comparison, never a dependency of the package.
//   node scripts/pytorch-venv.mjs [--force]
// Takes some gigabytes: the registry's build carries its CUDA libraries, of which nothing is used here.
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { main, output, run, Stop } from './support/run.mjs'

const TORCH = '2.15.0'
const python = '.venv/bin/python'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

await main('pytorch-venv', () => {
  const { values } = parseArgs({ options: { force: { type: 'boolean', default: false } } })
  if (values.force) rmSync('.venv', { recursive: true, force: true })
  if (installed() !== TORCH) {
    checkPython()
    run('python3', ['-m', 'venv', '.venv'])
    run(python, ['-m', 'pip', 'install', '--quiet', `torch==${TORCH}`])
  }
  if (installed() !== TORCH) throw new Stop(`PyTorch ${TORCH} was installed, but cannot be imported: ${python} -c 'import torch' says why`)
  console.log(`PyTorch ${TORCH} in .venv`)
})

/** The version without what a build adds to it. */
function installed() {
  return output(python, ['-c', 'import torch; print(torch.__version__)'])?.trim().split('+')[0]
}

/** torch.compile builds C++ against Python's headers; missing, it would fail only in the middle of a benchmark. */
function checkPython() {
  const header = "import ensurepip, os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')))"
  if (output('python3', ['-c', header]) === undefined || output('g++', ['--version']) === undefined) {
    throw new Stop('expected Python 3 with venv and its C headers, and a C++ compiler: apt-get install python3-venv python3-dev g++')
  }
}
