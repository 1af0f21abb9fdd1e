// Configures and builds the CUDA library and the tools beside it with CMake, in build/cuda.
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { BUILD_PACKAGES, ensure } from './debian.mjs'
import { findCuda } from './cuda.mjs'
import { output, run, Stop } from './run.mjs'

export const CUDA_BUILD = 'build/cuda'
export const CUDA_LIBRARY = 'build/Release/preresnet_cuda.so'
/** Machine code for A100, H100 and H200, B200, and RTX 50; newer ones compile the last one's PTX. */
export const DEFAULT_ARCHITECTURES = '80-real;90a-real;100-real;120'

/** Builds `targets`: 'preresnet_cuda' or tools. `variables` are CMake's. Stop where there is no toolkit. */
export async function buildCuda(root, settings = {}) {
  const {
    architectures = DEFAULT_ARCHITECTURES,
    jobs = String(availableParallelism()),
    targets = ['preresnet_cuda'],
    build = CUDA_BUILD,
    variables = {},
  } = settings
  const cuda = findCuda(root)
  if (cuda.missing.length > 0) {
    throw new Stop(`expected a CUDA toolkit, cuDNN and cudnn-frontend, got no ${cuda.missing.join(', no ')}\nnpm run cuda:toolchain puts them into .cuda`)
  }
  ensure(BUILD_PACKAGES)
  const ninja = output('ninja', ['--version']) !== undefined
  run('cmake', [
    ...['-S', root, '-B', resolve(root, build), '-G', ninja ? 'Ninja' : 'Unix Makefiles', '-Wno-dev', '--log-level', 'WARNING'],
    ...['-D', 'PRERESNET_CUDA=ON', '-D', `CMAKE_CUDA_ARCHITECTURES=${architectures}`],
    ...['-D', `CMAKE_CUDA_COMPILER=${join(cuda.toolkit, 'bin/nvcc')}`],
    ...['-D', `PRERESNET_CUDNN=${cuda.cudnn}`, '-D', `PRERESNET_CUDNN_FRONTEND=${cuda.frontend}`],
    ...Object.entries(variables).map(([name, value]) => `-D${name}=${value}`),
  ])
  run('cmake', ['--build', resolve(root, build), '--parallel', jobs, '--target', ...targets])
}
