// The archives that are published, in archives/: preresnet and the package of this platform. The same sources give the same bytes.
//   npm run package [-- --all] [--output archives] [--build build/package] [--jobs N] [--addon FILE]
// --all makes the package of arm64 as well, by cross-compiling, and that of device `cuda`, which needs npm run cuda:toolchain first.
// --addon packs an addon that was built in another way, such as build/Release/preresnet.node: to try the rest of the road, and never to publish.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pack } from './package/archive.mjs'
import { stageCuda } from './package/cuda.mjs'
import { PLATFORMS } from './package/manifests.mjs'
import { stagePlatform } from './package/platform.mjs'
import { stage } from './package/stage.mjs'
import { main, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

await main('package', async () => {
  const { values } = parseArgs({
    options: {
      all: { type: 'boolean', default: false },
      output: { type: 'string', default: 'archives' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      build: { type: 'string', default: 'build/package' },
      addon: { type: 'string' },
    },
  })
  if (values.all && values.addon !== undefined) throw new Stop('expected --all or --addon, got both')
  const destination = resolve(values.output)
  mkdirSync(destination, { recursive: true })
  const parent = mkdtempSync(join(tmpdir(), 'preresnet-stage-'))
  try {
    for (const { name, into } of packages(values)) {
      const folder = join(parent, name)
      const needs = await into(folder)
      const { file, size, unpacked } = pack(folder, destination)
      console.log(`${file}: ${(size / 1e6).toFixed(1)} MB, ${(unpacked / 1e6).toFixed(1)} MB unpacked${needs === undefined ? '' : `, needs ${needs}`}`)
    }
    if (values.addon !== undefined) console.log(`With the addon ${values.addon}: not to be published`)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})

/** What is made, with what puts it into a folder and says what it needs of the system. */
function packages({ all, addon, jobs, ...values }) {
  const build = resolve(values.build)
  const platform = (processor) => ({ name: processor, into: (folder) => stagePlatform(root, folder, processor, { addon, jobs, build }) })
  const others = Object.keys(PLATFORMS).filter((processor) => processor !== process.arch)
  return [
    { name: 'library', into: (folder) => stage(root, folder) },
    platform(process.arch),
    ...(all ? [...others.map(platform), { name: 'cuda', into: (folder) => stageCuda(root, folder, { jobs, build }) }] : []),
  ]
}
