// The package of one platform in a folder: the addon, which needs nothing of the system but what Node needs, and its manifest.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cacheFolder } from '../support/cache.mjs'
import { run } from '../support/run.mjs'
import { staticHighway } from './highway.mjs'
import { nativeLicenses } from './licenses.mjs'
import { PLATFORMS, platformManifest } from './manifests.mjs'
import { oneDnn } from './onednn.mjs'
import { checkPackage } from './symbols.mjs'

/** Debian packages whose libraries or headers are linked in. */
const LINKED = [
  { package: 'libhwy-dev', what: 'Highway' },
  { package: 'libjpeg62-turbo-dev', what: 'libjpeg-turbo' },
  { package: 'libpng-dev', what: 'libpng' },
  { package: 'libwebp-dev', what: 'libwebp' },
  { package: 'zlib1g-dev', what: 'zlib' },
  { package: 'nlohmann-json3-dev', what: 'JSON for Modern C++' },
  { package: 'libstdc++-12-dev', what: 'libstdc++ and libgcc, under the GCC Runtime Library Exception' },
]

/** Builds, unless a finished addon is given. Returns what the package needs of the system, in words; of an addon that was given, which may be one for this machine alone, undefined. */
export function stagePlatform(root, folder, processor, { addon, onednn, jobs }) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const name = PLATFORMS[processor]
  const description = `The native addon of preresnet for Linux with glibc on ${processor}`
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify(platformManifest(root, { name, processor, file: 'preresnet.node', description }), undefined, 2)}\n`,
  )
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\n${description}. It is an optional dependency of the package preresnet, which loads it; there is no other use for it.\n`,
  )
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const built = addon === undefined ? buildAddon(root, processor, { from: onednn, jobs }) : { file: addon }
  copyFileSync(built.file, join(folder, 'preresnet.node'))
  if (addon !== undefined) return undefined
  const { version, beside, license } = built.onednn
  for (const file of beside) copyFileSync(file, join(folder, basename(file)))
  const what = beside.length === 0 ? 'Part of the binary.' : `${beside.map((file) => basename(file)).join(', ')}, unchanged.`
  writeFileSync(join(folder, 'THIRD-PARTY.md'), nativeLicenses(root, name, LINKED, [{ title: `oneDNN ${version}`, what, text: license }]))
  return checkPackage(folder)
}

function buildAddon(root, processor, settings) {
  const cache = cacheFolder(root)
  const compiler = {}
  const onednn = oneDnn(cache, { processor, compiler }, settings)
  const build = join(root, 'build/package', `${processor}-${settings.from}`)
  const variables = {
    ...compiler,
    CMAKE_BUILD_TYPE: 'Release',
    PRERESNET_STATIC: 'ON',
    preresnet_dnnl_INCLUDE: onednn.include,
    preresnet_dnnl_LIBRARY: onednn.library,
    preresnet_hwy_LIBRARY: staticHighway(cache, { processor, compiler }),
  }
  run('cmake', ['-S', root, '-B', build, '-G', 'Ninja', '-Wno-dev', ...Object.entries(variables).map(([name, value]) => `-D${name}=${value}`)])
  run('cmake', ['--build', build, '--parallel', settings.jobs, '--target', 'addon'])
  return { file: join(build, 'Release/preresnet.node'), onednn }
}
