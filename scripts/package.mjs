// The archives that are published, in archives/: preresnet and the package of this platform. The same sources give the same bytes.
//   npm run package [-- --output archives] [--onednn maven|debian] [--jobs N] [--addon FILE]
// --onednn says where oneDNN comes from: Maven's shared library, or a static one that is built from Debian's sources once (docs/releasing.md).
// --addon packs an addon that was built in another way, such as build/Release/preresnet.node: to try the rest of the road, and never to publish.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pack } from './package/archive.mjs'
import { stagePlatform } from './package/platform.mjs'
import { stage } from './package/stage.mjs'
import { main } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

await main('package', async () => {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: 'archives' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      onednn: { type: 'string', default: 'maven' },
      addon: { type: 'string' },
    },
  })
  const destination = resolve(values.output)
  mkdirSync(destination, { recursive: true })
  const parent = mkdtempSync(join(tmpdir(), 'preresnet-stage-'))
  try {
    const folders = { library: join(parent, 'library'), platform: join(parent, 'platform') }
    const needs = stagePlatform(root, folders.platform, process.arch, values)
    await stage(root, folders.library)
    for (const folder of Object.values(folders)) {
      const { file, size, unpacked } = pack(folder, destination)
      console.log(`${file}: ${(size / 1e6).toFixed(1)} MB, ${(unpacked / 1e6).toFixed(1)} MB unpacked`)
    }
    console.log(needs === undefined ? `With the addon ${values.addon}: not to be published` : `Needs ${needs}`)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})
