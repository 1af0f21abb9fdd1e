// Sources of Debian, pinned by the hash of what upstream released, fetched by apt with lists of its own: the system's lists and packages stay as they are.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keptFolder } from '../support/cache.mjs'
import { debianMirror, ownApt } from '../support/debian.mjs'
import { run, Stop } from '../support/run.mjs'
import { sha256Of } from '../support/stamp.mjs'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The unpacked sources, in a folder of `cache`.
 * @param {{ name: string, version: string, suite: string, archive: string, sha256: string }} source `archive` is the name of upstream's release in Debian
 */
export function debianSource(cache, { name, version, suite, archive, sha256 }) {
  return keptFolder(join(cache, 'sources', `${name}-${version}`), (partial) => {
    const file = join(cache, 'sources', archive)
    if (!existsSync(file) || sha256Of(file) !== sha256) fetch(cache, { name, version, suite })
    checkSha256(file, sha256)
    run('tar', ['-xf', file, '-C', partial, '--strip-components=1'])
  })
}

function checkSha256(file, sha256) {
  const got = existsSync(file) ? sha256Of(file) : 'no file'
  if (got !== sha256) throw new Stop(`${file}: expected SHA-256 ${sha256}, got ${got}`)
}

function fetch(cache, { name, version, suite }) {
  const apt = join(cache, 'apt', suite)
  mkdirSync(join(apt, 'parts'), { recursive: true })
  writeFileSync(join(apt, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${debianMirror()} ${suite} main\n`)
  ownApt(apt, [`Dir::Etc::SourceList=${apt}/sources.list`, `Dir::Etc::SourceParts=${apt}/parts`], ['source', '--download-only', `${name}=${version}`], {
    cwd: join(cache, 'sources'),
  })
}
