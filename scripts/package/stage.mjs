// The files of the package preresnet in a folder, as they go into its archive.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { declarations, reachableTypes } from '../support/shipped_types.mjs'
import { filesUnder } from '../support/stamp.mjs'
import { stagedFiles } from './files.mjs'
import { javaScriptLicenses } from './licenses.mjs'
import { manifest } from './manifests.mjs'
import { bundlePackages } from './vendor.mjs'

export async function stage(root, folder) {
  rmSync(folder, { recursive: true, force: true })
  for (const file of stagedFiles(root)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    cpSync(join(root, file), join(folder, file))
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(root), undefined, 2)}\n`)
  removeInnerTypes(folder)
  includeSources(root, folder)
  const packages = await bundlePackages(root, folder)
  writeFileSync(join(folder, 'THIRD-PARTY.md'), javaScriptLicenses(root, packages))
}

/** Types that no entry leads to. */
function removeInnerTypes(folder) {
  const kept = new Set(reachableTypes(folder))
  for (const file of declarations(folder)) if (!kept.has(file)) rmSync(join(folder, file))
}

/** Source maps hold their sources, because lib/ is not in the archive. */
function includeSources(root, folder) {
  for (const file of filesUnder(folder, 'dist/lib').filter((path) => path.endsWith('.js.map'))) {
    const map = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    map.sourcesContent = map.sources.map((source) => readFileSync(join(root, dirname(file), source), 'utf8'))
    writeFileSync(join(folder, file), JSON.stringify(map))
  }
}
