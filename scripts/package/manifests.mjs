// package.json of what is published, made from the repository's: nothing to run at install, nothing to fetch but the platform's package of the same version.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** By the processor's name of Node. */
export const PLATFORMS = { x64: '@preresnet/linux-x64', arm64: '@preresnet/linux-arm64' }
/** No dependency of anything: users add it. */
export const CUDA = '@preresnet/cuda-linux-x64'

const KEPT = ['name', 'version', 'description', 'keywords', 'license', 'repository', 'type', 'engines', 'exports', 'main', 'types', 'bin', 'binary', 'gypfile']
/** For `preresnet build`. */
const BUILD = ['cmake-js', 'node-addon-api', 'node-api-headers']

export function manifest(root) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return {
    ...Object.fromEntries(KEPT.filter((key) => key in own).map((key) => [key, own[key]])),
    optionalDependencies: Object.fromEntries(Object.values(PLATFORMS).map((name) => [name, own.version])),
    peerDependencies: Object.fromEntries(BUILD.map((name) => [name, own.devDependencies[name]])),
    peerDependenciesMeta: Object.fromEntries(BUILD.map((name) => [name, { optional: true }])),
  }
}

export function platformManifest(root, { name, processor, file, description }) {
  const { version, license, repository, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return {
    name,
    version,
    description,
    license,
    ...(repository && { repository }),
    engines,
    os: ['linux'],
    cpu: [processor],
    libc: ['glibc'],
    main: `./${file}`,
    preferUnplugged: true,
  }
}

/** A folder with all of such a package but its native code. `use`: whole sentences for its page. */
export function stageNative(root, folder, { use, ...given }) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(platformManifest(root, given), undefined, 2)}\n`)
  writeFileSync(join(folder, 'README.md'), `# ${given.name}\n\n${given.description}. ${use}\n`)
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
}
