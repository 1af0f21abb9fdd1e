// What the library takes from npm packages becomes files of its own: one a package, with what is used of it and what that needs, and no package is left to install.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { build } from 'esbuild'
import { packageImports } from '../support/imports.mjs'

const FOLDER = 'dist/lib/vendor'
/** CommonJS within asks for modules of Node by require(). */
const REQUIRE = `import { createRequire as preresnetRequire } from 'node:module'\nconst require = preresnetRequire(import.meta.url)`

/** Bundles into the staged copy of the package at `folder`, from node_modules of `root`. The folders of the packages that went into it. */
export async function bundlePackages(root, folder) {
  const inputs = new Set()
  for (const [name, { names, files }] of packageImports(folder)) {
    const output = `${FOLDER}/${name.replace(/^@/, '').replace('/', '-')}.js`
    const { metafile, outputFiles } = await build({
      stdin: { contents: `export { ${[...names].sort().join(', ')} } from '${name}'`, resolveDir: root },
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      legalComments: 'inline',
      outfile: join(folder, output),
      logLevel: 'warning',
    })
    const used = Object.keys(metafile.inputs).filter((file) => file.includes('node_modules/'))
    for (const file of used) inputs.add(packageOf(file))
    const text = outputFiles[0].text
    mkdirSync(join(folder, FOLDER), { recursive: true })
    writeFileSync(join(folder, output), /\b__require\(/.test(text) ? `${REQUIRE}\n${text}` : text)
    for (const file of files) redirect(join(folder, file), name, join(folder, output))
  }
  return [...inputs].sort()
}

/** node_modules/a/node_modules/@b/c/x.js is of node_modules/a/node_modules/@b/c. */
function packageOf(file) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.split(sep).join('/'))[1]
}

/** The line keeps its number, so source maps stay right. */
function redirect(file, name, target) {
  const path = relative(dirname(file), target)
  const source = readFileSync(file, 'utf8')
  const changed = source.replaceAll(`from '${name}'`, `from '${path.startsWith('.') ? path : `./${path}`}'`)
  if (changed === source) throw new Error(`${file}: expected an import from '${name}'`)
  writeFileSync(file, changed)
}
