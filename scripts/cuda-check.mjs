// What can be said of the CUDA backend without a GPU: the library compiles for every architecture without a warning, no kernel spills
// registers, the library loads where there is no driver, and cuDNN has the plans that docs/cuda-plans.md says.
//   npm run cuda:check [-- --list]
// --list prints the figures of every kernel.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { kernelsOf } from './cuda/kernels.mjs'
import { buildCuda, CUDA_BUILD, CUDA_LIBRARY, DEFAULT_ARCHITECTURES } from './support/cuda_build.mjs'
import { main, run, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/**
 * Bytes that kernels of a file may spill. pointwise indexes up to a kilobyte of local memory as its registers, beside which these are
 * nothing; max_pool_backward does so in fp32 for compute capability 8.0 only, and residual_add, where it takes statistics alone, for 10.0 only.
 */
const ALLOWED = { 'pointwise.cu': 64, 'max_pool_backward.cu': 16, 'residual_add.cu': 8 }

process.chdir(root)

await main('cuda-check', async () => {
  const { values } = parseArgs({ options: { list: { type: 'boolean', default: false } } })
  await buildCuda(root, { targets: ['preresnet_cuda', 'cuda_plans', 'cuda_driver_stand_in', 'cuda_load'] })
  checkKernels(values.list)
  run(join(CUDA_BUILD, 'cuda_load'), [CUDA_LIBRARY])
  run(process.execPath, ['scripts/cuda-plans.mjs', '--check'])
})

function checkKernels(list) {
  const architectures = DEFAULT_ARCHITECTURES.split(';').map((name) => name.replace(/-.*/, ''))
  const sources = readdirSync('native/cuda/kernels').filter((file) => file.endsWith('.cu'))
  const kernels = kernelsOf(CUDA_BUILD, sources, architectures)
  if (list)
    for (const { file, kernel, architecture, registers, shared, stack } of kernels)
      console.log([file, architecture, registers, shared, stack, kernel].join('\t'))
  const spilling = kernels.filter(({ file, spills }) => spills > (ALLOWED[file] ?? 0))
  if (spilling.length > 0) {
    const lines = spilling.map(({ file, kernel, architecture, spills }) => `  ${file}, ${architecture}: ${spills} bytes in ${kernel}`)
    throw new Stop(`expected kernels that spill no registers, got\n${lines.join('\n')}`)
  }
  const most = Math.max(...kernels.map(({ registers }) => registers))
  console.log(
    `${kernels.length / architectures.length} kernels for ${architectures.join(', ')}: none spills${Object.keys(ALLOWED)
      .map((file) => ` (but for ${file})`)
      .join('')}, at most ${most} registers`,
  )
}
