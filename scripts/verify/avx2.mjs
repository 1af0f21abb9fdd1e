// The tests of operations, goldens and inference on vector code and oneDNN kernels for AVX2, which a processor with AVX-512 never takes by itself.
//   node scripts/verify/avx2.mjs [TESTFILE...]     compiled tests, dist/test/...
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, Stop } from '../support/run.mjs'
import { counted, kernelNames, operationTests, verdict } from './common.mjs'

process.chdir(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

await main('avx2', () => {
  const env = { ...process.env, PRERESNET_INSTRUCTIONS: 'avx2' }
  // Without this the check could pass on AVX-512 after all.
  const small = ['dist/lib/cli/main.js', 'plan', '--family', 'cifar', '--depth', '8', '--batch', '2', '--time', '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, small, { env, encoding: 'utf8' })
  if (status !== 0) throw new Stop(stderr)
  const { instructions } = JSON.parse(stdout)
  const kernels = kernelNames([process.execPath, ...small.slice(0, -1)], env)
  const tests = process.argv.length > 2 ? process.argv.slice(2) : operationTests(['ops', 'goldens', 'inference'])
  const result = counted([process.execPath, 'node_modules/ava/entrypoints/cli.mjs', '--tap', ...tests], env)
  const older = instructions === 'AVX2' && kernels.length > 0 && !kernels.some((name) => /avx512|amx/.test(name))
  verdict({ check: 'operations on AVX2', instructions, kernels, ...result, passed: older && result.failures === 0 && result.tests > 0 })
})
