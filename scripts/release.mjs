// Everything short of publishing, in the order in which it would stop a release.
//   npm run release -- --dry-run [--platform]
// --platform makes the packages of this platform alone: to try the road, where there is no toolkit for the others.
// docs/releasing.md says what is decided where.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { main, output, run, Stop } from './support/run.mjs'
import { sha256Of } from './support/stamp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)
const NAMES = 'docs/public-names.txt'

await main('release', () => {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false }, platform: { type: 'boolean', default: false } } })
  if (!values['dry-run']) throw new Stop('expected --dry-run: publishing is done by hand, with the commands that it prints at the end')
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  checkVersion(version)
  run(process.execPath, ['scripts/setup.mjs'])
  run(process.execPath, ['scripts/public-names.mjs', '--check'])
  printNames()
  const archives = packedTwice(values.platform ? [] : ['--all'])
  run(process.execPath, ['scripts/verify/packages.mjs'])
  console.log(['Nothing was published. What would be, in this order:', ...archives.map((name) => `  npm publish --access public archives/${name}`)].join('\n'))
})

function checkVersion(version) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new Stop(`expected a version of SemVer in package.json, got ${version}`)
  const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).version
  if (locked !== version) throw new Stop(`expected version ${version} in package-lock.json, got ${locked}`)
  if (output('git', ['tag', '--list', `v${version}`])?.trim()) throw new Stop(`expected a version that was not released yet, got ${version}`)
  // Before its release a version's entries stand under Unreleased.
  if (!new RegExp(`^## (${version.replaceAll('.', '\\.')}|Unreleased)\\b`, 'm').test(readFileSync('CHANGELOG.md', 'utf8')))
    throw new Stop(`expected a section for ${version} in CHANGELOG.md, got none`)
}

/** What came and went since the last tag. */
function printNames() {
  const last = output('git', ['describe', '--tags', '--abbrev=0', '--match', 'v*'])?.trim()
  if (last === undefined) {
    console.log('Public names: no release yet to compare with')
    return
  }
  const before = new Set(output('git', ['show', `${last}:${NAMES}`])?.split('\n'))
  const now = new Set(readFileSync(NAMES, 'utf8').split('\n'))
  const changes = [
    ...[...before].filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...[...now].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ]
  console.log([`Public names since ${last}: ${changes.length === 0 ? 'the same' : ''}`, ...changes].join('\n'))
}

/** The archives of platforms first. */
function packedTwice(words) {
  const again = mkdtempSync(join(tmpdir(), 'preresnet-again-'))
  try {
    rmSync('archives', { recursive: true, force: true })
    run(process.execPath, ['scripts/package.mjs', ...words])
    // In another folder from nothing, so that neither time nor place is in them.
    run(process.execPath, ['scripts/package.mjs', ...words, '--output', again, '--build', join(again, 'build')])
    const names = readdirSync('archives')
    for (const name of names)
      if (sha256Of(join('archives', name)) !== sha256Of(join(again, name))) throw new Stop(`${name}: expected the same bytes twice, got others`)
    return names.sort((a, b) => Number(/^preresnet-\d/.test(a)) - Number(/^preresnet-\d/.test(b)) || (a < b ? -1 : 1))
  } finally {
    rmSync(again, { recursive: true, force: true })
  }
}
