// The package of one platform in a folder: the addon, which needs nothing of the system but what Node needs, and its manifest.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crossArm64 } from '../support/arm64.mjs'
import { cacheFolder } from '../support/cache.mjs'
import { run, Stop } from '../support/run.mjs'
import { staticHighway } from './highway.mjs'
import { addonApi, nativeLicenses } from './licenses.mjs'
import { PLATFORMS, stageNative } from './manifests.mjs'
import { staticOneDnn } from './onednn.mjs'
import { checkPackage } from './symbols.mjs'

const FILE = 'preresnet.node'
/** Debian packages whose libraries or headers are linked in. */
const LINKED = [
  { package: 'libhwy-dev', what: 'Highway' },
  { package: 'libjpeg62-turbo-dev', what: 'libjpeg-turbo' },
  { package: 'libpng-dev', what: 'libpng' },
  { package: 'libwebp-dev', what: 'libwebp' },
  { package: 'zlib1g-dev', what: 'zlib' },
  { package: 'nlohmann-json3-dev', what: 'JSON for Modern C++' },
]
const CPLUSPLUS = 'libstdc++ and libgcc, under the GCC Runtime Library Exception'

/** Builds, unless a finished addon is given. Returns what the package needs of the system, in words; of an addon that was given, which may be one for this machine alone, undefined. */
export function stagePlatform(root, folder, processor, { addon, jobs, build }) {
  const name = PLATFORMS[processor]
  const description = `The native addon of preresnet for Linux with glibc on ${processor}`
  const use = 'It is an optional dependency of the package preresnet, which loads it; there is no other use for it.'
  stageNative(root, folder, { name, processor, file: FILE, description, use })
  if (addon !== undefined) {
    copyFileSync(addon, join(folder, FILE))
    return undefined
  }
  const target = targetOf(root, processor)
  const built = buildAddon(root, target, { jobs, build: join(build, processor) })
  copyFileSync(built.file, join(folder, FILE))
  const { version, license } = built.onednn
  const linked = [...LINKED.map((part) => ({ ...part, sysroot: target.sysroot })), { package: target.cplusplus, what: CPLUSPLUS }]
  const others = [{ title: `oneDNN ${version}`, what: 'Part of the binary.', text: license }, addonApi(root)]
  writeFileSync(join(folder, 'THIRD-PARTY.md'), nativeLicenses(name, linked, others))
  return checkPackage(folder)
}

/** Where the libraries of a processor are, what CMake must be told of it, and which Debian package has its C++ library. */
function targetOf(root, processor) {
  if (processor === process.arch) return { processor, sysroot: '/', compiler: {}, cplusplus: 'libstdc++-12-dev' }
  if (processor !== 'arm64') throw new Stop(`expected to build for ${process.arch} or arm64 here, got ${processor}`)
  return { processor, ...crossArm64(root), cplusplus: 'libstdc++-12-dev-arm64-cross' }
}

function buildAddon(root, target, { jobs, build }) {
  const cache = cacheFolder(root)
  const onednn = staticOneDnn(cache, target, jobs)
  const variables = {
    ...target.compiler,
    CMAKE_BUILD_TYPE: 'Release',
    PRERESNET_STATIC: 'ON',
    preresnet_dnnl_INCLUDE: onednn.include,
    preresnet_dnnl_LIBRARY: onednn.library,
    preresnet_hwy_LIBRARY: staticHighway(cache, target),
  }
  run('cmake', ['-S', root, '-B', build, '-G', 'Ninja', '-Wno-dev', ...Object.entries(variables).map(([name, value]) => `-D${name}=${value}`)])
  run('cmake', ['--build', build, '--parallel', jobs, '--target', 'addon'])
  return { file: join(build, 'Release', FILE), onednn }
}
