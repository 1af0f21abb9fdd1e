// Builds build/Release/preresnet_cuda.so, which the addon loads where a CUDA device is asked for.
//   npm run build:cuda [-- --architectures '90a;120'] [--jobs N]
// The toolkit is the one that CUDA_HOME, CUDNN_PATH and CUDNN_FRONTEND_PATH name, that of scripts/cuda-toolchain.mjs, or the system's.
import { dirname } from 'node:path'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildCuda, DEFAULT_ARCHITECTURES } from './support/cuda_build.mjs'
import { main } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

await main('build-cuda', async () => {
  const { values } = parseArgs({
    options: {
      architectures: { type: 'string', default: DEFAULT_ARCHITECTURES },
      jobs: { type: 'string', default: String(availableParallelism()) },
    },
  })
  await buildCuda(root, values)
})
