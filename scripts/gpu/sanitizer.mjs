// NVIDIA's compute-sanitizer over small golden cases, on our own kernels alone: accesses outside of allocations, races in shared memory, barriers
// that not all threads reach. Reads of memory that nothing wrote are reported and decide nothing: what cuDNN's kernels write is not seen.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt, lastWords } from './processes.mjs'

const DECIDING = ['memcheck', 'racecheck', 'synccheck']
const TOOLS = [...DECIDING, 'initcheck']
/** In the mangled name of every kernel of namespace preresnet::cuda; cuDNN's have many beginnings. */
const OURS = 'kernel_substring=_ZN9preresnet4cuda'
const CASES = ['unit-preact-bottleneck-projection.safetensors', 'unit-preact-basic-option-a.safetensors']

export async function sanitizer({ home, goldens, device, emulated, secondsLeft, say, keep }) {
  if (emulated) return { passed: true, leftOut: 'the sanitizers of the host cover the emulated device: npm run sanitize' }
  if (attempt('compute-sanitizer', ['--version'], { limit: 60 }).status !== 0) return { passed: false, leftOut: 'compute-sanitizer is not on the PATH' }
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-sanitizer-'))
  const runs = []
  try {
    for (const name of CASES) cpSync(join(goldens, name), join(folder, name))
    for (const tool of TOOLS) {
      for (const [precision, tier] of [
        ['fp32', 'plain'],
        ['fp16', 'precompiled'],
      ]) {
        // Its report counts, not the program's status: most cases are not in the folder.
        const words = ['--tool', tool, '--kernel-name', OURS, process.execPath, join(home, 'dist/lib/cli/main.js')]
        const golden = ['goldens', folder, '--device', device, '--precision', precision, '--tier', tier]
        const { stdout, stderr, late } = attempt('compute-sanitizer', [...words, ...golden], { limit: Math.min(120, secondsLeft()) })
        const errors = /(?:ERROR SUMMARY|RACECHECK SUMMARY): (\d+)/.exec(stdout + stderr)?.[1]
        runs.push({
          tool,
          precision,
          tier,
          decides: DECIDING.includes(tool),
          passed: !late && errors === '0',
          errors: errors === undefined ? lastWords(stdout + stderr) : Number(errors),
          // Which kernel, and where: of the first findings.
          ...(errors !== '0' && { report: findings(stdout + stderr) }),
        })
        say(`${tool} ${precision} ${tier}: ${late ? 'took too long' : (errors ?? 'no summary')}`)
        keep({ runs })
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { passed: runs.every(({ decides, passed }) => passed || !decides), runs }
}

/** The tool's own lines, without its marks. */
const findings = (text) => [...text.matchAll(/^=+ (?!COMPUTE-SANITIZER)(.+)$/gm)].map(([, line]) => line).slice(0, 60)
