// Packages of Python for checks and benchmarks: a virtual environment in the cache folder, where another clone finds it.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheFolder } from './cache.mjs'
import { output } from './run.mjs'

/**
 * A Python with these packages in these versions, or undefined where it cannot be had; what pip said is on stderr then.
 * @param {Readonly<Record<string, string>>} versions By the packages' names.
 */
export function pythonWith(versions) {
  const packages = Object.entries(versions)
  const folder = join(cacheFolder(process.cwd()), ['python', ...packages.flat()].join('-'))
  const path = join(folder, 'bin/python')
  if (has(path, packages)) return path
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(dirname(folder), { recursive: true })
  const quietly = { stdio: ['ignore', 'pipe', 'inherit'] }
  const wanted = packages.map(([name, version]) => `${name}==${version}`)
  if (output('python3', ['-m', 'venv', folder], quietly) !== undefined)
    output(path, ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', ...wanted], quietly)
  return has(path, packages) ? path : undefined
}

function has(path, packages) {
  if (!existsSync(path)) return false
  const said = output(path, [
    '-c',
    `from importlib.metadata import version; print(*[version(name) for name in ${JSON.stringify(packages.map(([name]) => name))}])`,
  ])
  return said?.trim() === packages.map(([, version]) => version).join(' ')
}
