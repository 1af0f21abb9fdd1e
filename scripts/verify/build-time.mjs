// The processor time of the native build of this checkout beside that of another one, in turn, without a compiler cache.
//   node scripts/verify/build-time.mjs OTHER [--pairs 1] [--jobs N]
// Both checkouts must have their npm packages and be built once (npm run build), because the build needs the generated contracts.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { main, run, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const CMAKE = 'node_modules/cmake-js/bin/cmake-js'
/** How far above 1 the median of the ratios may lie. */
const TOLERANCE = 0.03
/** Linux counts the times of processes in hundredths of a second (USER_HZ). */
const TICKS = 100

await main('build-time', () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { pairs: { type: 'string', default: '1' }, jobs: { type: 'string', default: String(availableParallelism()) } },
  })
  const [folder, ...rest] = positionals
  if (folder === undefined || rest.length > 0) throw new Stop('expected the folder of one other checkout')
  const pairs = Number(values.pairs)
  if (!Number.isSafeInteger(pairs) || pairs < 1) throw new Stop(`--pairs: expected an integer of at least 1, got ${values.pairs}`)
  const roots = [process.cwd(), resolve(folder)]
  for (const root of roots) if (!existsSync(join(root, CMAKE)) || !existsSync(join(root, 'build'))) throw new Stop(`${root} is not built: npm run build`)

  const seconds = Array.from({ length: pairs }, () => roots.map((root) => build(root, values.jobs)))
  const ratios = seconds.map(([here, there]) => here / there).sort((a, b) => a - b)
  const median = ratios[Math.floor((ratios.length - 1) / 2)]
  verdict({ passed: median <= 1 + TOLERANCE, ratio: { median, minimum: ratios[0], maximum: ratios.at(-1) }, seconds })
})

/** User and system seconds of a build from nothing. */
function build(root, jobs) {
  const out = mkdtempSync(join(tmpdir(), 'preresnet-build-'))
  const before = secondsOfChildren()
  try {
    const env = { ...process.env, CCACHE_DISABLE: '1' }
    // CMake takes a compiler launcher from the environment.
    for (const language of ['C', 'CXX']) delete env[`CMAKE_${language}_COMPILER_LAUNCHER`]
    run(process.execPath, [CMAKE, 'compile', '--config', 'Release', '--out', out, '--parallel', jobs], {
      cwd: root,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
  return secondsOfChildren() - before
}

/** User and system time of all processes that this one has waited for, and theirs: fields 16 and 17 of /proc/self/stat. */
function secondsOfChildren() {
  const line = readFileSync('/proc/self/stat', 'utf8')
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / TICKS
}
