// The package of device `cuda` in a folder: the library that the addon opens. The driver, cuDNN and NVRTC are the user's.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findCuda } from '../support/cuda.mjs'
import { buildCuda, DEFAULT_ARCHITECTURES } from '../support/cuda_build.mjs'
import { Stop } from '../support/run.mjs'
import { filesUnder } from '../support/stamp.mjs'
import { nativeLicenses } from './licenses.mjs'
import { CUDA, stageNative } from './manifests.mjs'
import { checkPackage } from './symbols.mjs'

const FILE = 'preresnet_cuda.so'
const LINKED = [
  { package: 'nlohmann-json3-dev', what: 'JSON for Modern C++' },
  { package: 'libstdc++-12-dev', what: 'libstdc++ and libgcc, under the GCC Runtime Library Exception' },
]

/** Builds; returns what the package needs of the system, in words. */
export async function stageCuda(root, folder, { jobs, build }) {
  if (process.arch !== 'x64') throw new Stop(`expected to build ${CUDA} on x64, got ${process.arch}`)
  const description = `The library of preresnet's device "cuda" for Linux with glibc on x64, for GPUs of compute capability ${architectures()}`
  const use = 'It is added to a project beside the package preresnet of the same version, which opens it. The driver, cuDNN 9 and NVRTC 13 come from elsewhere.'
  stageNative(root, folder, { name: CUDA, processor: 'x64', file: FILE, description, use })
  const own = join(build, 'cuda-x64')
  await buildCuda(root, { jobs, build: own, variables: { PRERESNET_CUDA_PACKAGE: 'ON' } })
  copyFileSync(join(own, 'Release', FILE), join(folder, FILE))
  const { toolkit, frontend } = findCuda(root)
  const others = [
    { title: 'The static CUDA runtime', what: 'Part of the binary.', text: licenseOf(dirname(dirname(toolkit)), 'nvidia_cuda_runtime') },
    { title: 'cudnn-frontend', what: 'Its headers are part of the binary.', text: licenseOf(dirname(frontend), 'nvidia_cudnn_frontend') },
  ]
  writeFileSync(join(folder, 'THIRD-PARTY.md'), nativeLicenses(CUDA, LINKED, others))
  return checkPackage(folder)
}

/** As NVIDIA writes them: 8.0 of 80-real. The last one's PTX serves later ones. */
function architectures() {
  const names = DEFAULT_ARCHITECTURES.split(';').map((name) => name.replace(/^(\d+)(\d).*/, '$1.$2'))
  return `${names.join(', ')} and later`
}

/** Of the wheels that scripts/cuda-toolchain.mjs unpacks: whoever builds with another toolkit publishes nothing. */
function licenseOf(folder, wheel) {
  const files = filesUnder(folder, '.').filter((path) => path.startsWith(`${wheel}-`) && path.includes('.dist-info/licenses/'))
  if (files.length === 0) throw new Stop(`expected the license of ${wheel} in ${folder}, got none: npm run cuda:toolchain`)
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
}
