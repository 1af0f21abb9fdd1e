// Which archives a check installs, and what stands in for those that were not made.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pack } from '../../package/archive.mjs'
import { PLATFORMS, platformManifest } from '../../package/manifests.mjs'
import { Stop } from '../../support/run.mjs'

/** Those of this version in `folder`. */
export function archivesIn(folder) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const files = readdirSync(folder).filter((name) => name.endsWith(`-${version}.tgz`))
  if (!files.includes(`preresnet-${version}.tgz`)) throw new Stop(`expected preresnet-${version}.tgz in ${folder}, got none: npm run package`)
  return files.map((name) => join(folder, name))
}

/** For packages of other platforms that were not made: package managers want to read about them, and install none. Written into `folder`. */
export function standIns(root, archives, folder) {
  return Object.entries(PLATFORMS).flatMap(([processor, name]) => {
    if (archives.some((file) => file.includes(`/${name.slice(1).replace('/', '-')}-`))) return []
    const staged = join(folder, processor)
    mkdirSync(staged)
    const manifest = platformManifest(root, { name, processor, file: 'preresnet.node', description: 'Stands in for a package that was not made' })
    writeFileSync(join(staged, 'package.json'), JSON.stringify(manifest))
    return [pack(staged, folder).file]
  })
}
