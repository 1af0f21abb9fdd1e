// The archives as users install them: package managers, lockfiles, settings, bundlers and versions of Node, from a registry on this machine.
//   node scripts/verify/packages.mjs [--archives archives] [--short] [--slow] [--only REGEX] [--write]
// --short is what CI runs; --slow adds the build from source; --write runs everything and puts the table into docs/install.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { commitOf } from '../support/commit.mjs'
import { main, Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { archivesIn, standIns } from './packages/archives.mjs'
import { cells } from './packages/cells.mjs'
import { Project } from './packages/project.mjs'
import { checkTypes } from './packages/types.mjs'
import { startRegistry } from './registry.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
process.chdir(root)
const PAGE = 'docs/install.md'

await main('packages', async () => {
  const { values } = parseArgs({
    options: {
      archives: { type: 'string', default: 'archives' },
      short: { type: 'boolean', default: false },
      slow: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      write: { type: 'boolean', default: false },
    },
  })
  if (values.write && (values.short || values.only !== '')) throw new Stop('expected --write without --short and --only: the table has all rows')
  const archives = archivesIn(resolve(values.archives))
  const cache = mkdtempSync(join(tmpdir(), 'preresnet-cache-'))
  const registry = await startRegistry([...archives, ...standIns(root, archives, cache)])
  const context = contextOf(archives, registry.url, cache)
  const wanted = cells.filter(
    ({ name, short, slow }) => (values.short ? short === true : values.slow || values.write || slow !== true) && new RegExp(values.only).test(name),
  )
  const rows = []
  try {
    for (const cell of wanted) rows.push(await tried(cell, context))
  } finally {
    context.remove()
    rmSync(cache, { recursive: true, force: true })
    registry.close()
  }
  if (values.write) writeTable(rows)
  const [failed, left] = ['fails', 'not tried'].map((result) => rows.filter((row) => row.result === result).map(({ name }) => name))
  verdict({ check: 'packages', cells: rows.length, failed, left, passed: rows.length > left.length && failed.length === 0 })
})

function contextOf(archives, registry, cache) {
  const projects = []
  const project = (name) => {
    projects.push(new Project({ registry, cache, ...(name && { name }) }))
    return projects.at(-1)
  }
  let shared
  return {
    archives,
    library: archives.find((file) => /\/preresnet-\d[^/]*$/.test(file)),
    project,
    /** What `make` gave the first time. */
    shared: (make) => (shared ??= make()),
    checkTypes: (given) => checkTypes(root, given),
    remove: () => projects.forEach(({ parent }) => rmSync(parent, { recursive: true, force: true })),
  }
}

async function tried({ name, run, archive = '' }, context) {
  if (!context.archives.some((file) => file.includes(archive)))
    return { name, result: 'not tried', note: `no archive ${archive}, which \`npm run package -- --all\` makes` }
  const begin = performance.now()
  try {
    const note = (await run(context)) ?? ''
    console.log(`works: ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s)`)
    return { name, result: 'works', note }
  } catch (error) {
    console.error(`FAILS: ${name}\n${error instanceof Stop ? error.message : error.stack}`)
    return { name, result: 'fails', note: '' }
  }
}

/** Between its two marks in the page. */
function writeTable(rows) {
  const table = ['| tried | result | |', '|---|---|---|', ...rows.map(({ name, result, note }) => `| ${name} | ${result} | ${note} |`)].join('\n')
  const head = `On ${process.platform} ${process.arch}, Node ${process.versions.node} where none is named, commit ${(commitOf(root) ?? 'unknown').slice(0, 7)}:`
  const page = readFileSync(PAGE, 'utf8')
  const changed = page.replace(/(<!-- packages -->\n)[\s\S]*(<!-- end -->)/, (_, begin, end) => `${begin}${head}\n\n${table}\n\n${end}`)
  if (!changed.includes(table)) throw new Stop(`${PAGE}: expected the marks of the table, got none`)
  writeFileSync(PAGE, changed)
}
