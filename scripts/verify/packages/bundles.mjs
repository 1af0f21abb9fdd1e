// Cells of bundlers, and of the tracer of files: each result runs where there is no other package than those that the documentation says.
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { tool, toolName } from './tools.mjs'

const platform = `@preresnet/linux-${process.arch}`
const WITHOUT_DIGITS = 'without `digits()`, whose file is in the package'

/** `installed` gives the project, of a context, in which preresnet is installed. */
export function bundleCells(installed) {
  return [...esbuildCells(installed), ...viteCells(installed), tracedCell(installed)]
}

/** Runs a bundle in a folder with these packages of the project beside it. */
function runs(context, project, bundle, packages) {
  const other = context.project()
  mkdirSync(join(other.folder, 'node_modules'))
  for (const name of packages) cpSync(join(project.folder, 'node_modules', name), join(other.folder, 'node_modules', name), { recursive: true })
  cpSync(bundle, join(other.folder, 'bundle', basename(bundle)))
  other.run(process.execPath, ['--no-warnings', `bundle/${basename(bundle)}`, other.picture])
}

const esbuildCells = (installed) => [
  {
    name: `${toolName('esbuild')}, \`external: ['preresnet']\`, ESM and CommonJS`,
    async run(context) {
      const project = installed(context)
      for (const [format, entry, ending] of [
        ['esm', 'smoke.mjs', 'mjs'],
        ['cjs', 'smoke.cjs', 'cjs'],
      ]) {
        const outfile = join(project.parent, `esbuild.${ending}`)
        await esbuild({ entryPoints: [join(project.folder, entry)], format, outfile, external: ['preresnet'] })
        runs(context, project, outfile, ['preresnet', platform])
      }
    },
  },
  {
    name: `${toolName('esbuild')} with preresnet in the bundle, ESM and CommonJS, ${platform} beside it`,
    short: true,
    async run(context) {
      const project = installed(context)
      for (const format of ['esm', 'cjs']) {
        const entry = join(project.folder, `inline-${format}.mjs`)
        writeFileSync(entry, INLINE)
        const outfile = join(project.parent, `inline.${format === 'esm' ? 'mjs' : 'cjs'}`)
        await esbuild({ entryPoints: [entry], format, outfile })
        runs(context, project, outfile, [platform])
      }
      return WITHOUT_DIGITS
    },
  },
]

const viteCells = (installed) => [
  {
    name: `${toolName('vite')}, \`vite build --ssr\` (its default leaves preresnet outside)`,
    run(context) {
      const project = installed(context)
      project.run(process.execPath, [tool('vite'), 'build', '--ssr', 'smoke.mjs', '--outDir', '../vite', '--logLevel', 'error'])
      runs(context, project, builtBy(project, 'vite'), ['preresnet', platform])
    },
  },
  {
    name: `${toolName('vite')}, \`ssr: { noExternal: ['preresnet'] }\`, ${platform} beside it`,
    run(context) {
      const project = installed(context)
      writeFileSync(join(project.folder, 'vite.config.mjs'), `export default { ssr: { noExternal: ['preresnet'] } }`)
      writeFileSync(join(project.folder, 'inline.mjs'), INLINE)
      project.run(process.execPath, [tool('vite'), 'build', '--ssr', 'inline.mjs', '--outDir', '../vite-inline', '--logLevel', 'error'])
      rmSync(join(project.folder, 'vite.config.mjs'))
      runs(context, project, builtBy(project, 'vite-inline'), [platform])
      return WITHOUT_DIGITS
    },
  },
]

/** Vite's ending depends on the type of the project's package. */
function builtBy(project, folder) {
  const name = readdirSync(join(project.parent, folder)).find((file) => /\.m?js$/.test(file))
  return join(project.parent, folder, name)
}

const tracedCell = (installed) => ({
  name: `${toolName('nft')}: the traced files alone, in another folder`,
  short: true,
  async run(context) {
    const project = installed(context)
    const { nodeFileTrace } = await import(pathToFileURL(tool('nft')).href)
    const { fileList } = await nodeFileTrace([join(project.folder, 'smoke.mjs')], { base: project.folder })
    const other = context.project('traced')
    for (const file of fileList) {
      mkdirSync(dirname(join(other.folder, file)), { recursive: true })
      cpSync(join(project.folder, file), join(other.folder, file))
    }
    other.run(process.execPath, ['smoke.mjs', other.picture])
    return `${fileList.size} files`
  },
})

async function esbuild(options) {
  const { build } = await import(pathToFileURL(tool('esbuild')).href)
  await build({ bundle: true, platform: 'node', logLevel: 'error', ...options })
}

/** Trains on images of its own; no top-level await, which CommonJS has not. */
const INLINE = `
import { fit, memoryDataset, preResNet } from 'preresnet'
const work = async () => {
  const images = Uint8Array.from({ length: 64 * 64 }, (_, index) => index % 251)
  const labels = Array.from({ length: 64 }, (_, index) => index % 2)
  const train = await memoryDataset({ name: 'x', images, labels, height: 8, width: 8, channels: 1, classes: ['a', 'b'] })
  const network = preResNet({ family: 'cifar', depth: 8, block: 'basic', widths: [16, 16, 16], classes: 2, input: { height: 8, width: 8, channels: 1 } })
  const trained = await fit(network, { train, batch: 16, steps: 20, threads: 1, precision: 'fp32', learningRate: 0.1 }).finished
  if (trained.step !== 20) throw new Error('nothing was trained')
  console.log('trained 20 steps')
}
work()
`
