// Sources of Debian, pinned by the hash of what upstream released, fetched by apt with lists of its own: the system's lists and packages stay as they are.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { output, run, Stop } from '../support/run.mjs'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The unpacked sources, in a folder of `cache`.
 * @param {{ name: string, version: string, suite: string, archive: string, sha256: string }} source `archive` is the name of upstream's release in Debian
 */
export function debianSource(cache, { name, version, suite, archive, sha256 }) {
  const folder = join(cache, 'sources', `${name}-${version}`)
  if (existsSync(folder)) return folder
  const file = join(cache, 'sources', archive)
  if (!existsSync(file) || sha256Of(file) !== sha256) fetch(cache, { name, version, suite })
  checkSha256(file, sha256)
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial)
  run('tar', ['-xf', file, '-C', partial, '--strip-components=1'])
  renameSync(partial, folder)
  return folder
}

export function checkSha256(file, sha256) {
  const got = existsSync(file) ? sha256Of(file) : 'no file'
  if (got !== sha256) throw new Stop(`${file}: expected SHA-256 ${sha256}, got ${got}`)
}

function sha256Of(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function fetch(cache, { name, version, suite }) {
  const apt = join(cache, 'apt', suite)
  mkdirSync(join(cache, 'sources'), { recursive: true })
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'parts']) mkdirSync(join(apt, folder), { recursive: true })
  writeFileSync(join(apt, 'status'), '')
  writeFileSync(join(apt, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${mirror()} ${suite} main\n`)
  const own = [
    `Dir::State=${apt}/state`,
    `Dir::Cache=${apt}/cache`,
    `Dir::State::status=${apt}/status`,
    `Dir::Etc::SourceList=${apt}/sources.list`,
    `Dir::Etc::SourceParts=${apt}/parts`,
  ].flatMap((option) => ['-o', option])
  run('apt-get', ['-q', ...own, 'update'])
  run('apt-get', ['-q', ...own, 'source', '--download-only', `${name}=${version}`], { cwd: join(cache, 'sources') })
}

/** Of the system's own sources. */
function mirror() {
  const found = output('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Component: main', 'Origin: Debian'])?.split('\n')[0]
  if (!found) throw new Stop('expected a Debian system whose lists are there (apt-get update), got none')
  return found
}
