/** Which file is the addon: the one that the environment names, else a local build, else that of the platform's package. What is found is looked at before it is loaded. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { PreresnetError } from '../errors.js'
import { knownPackageVersion, moduleUrl, packageFolder } from '../package.js'
import { addCuda, addPackage, rebuild, reinstall, unsupported } from './remedies.js'

interface AddonFile {
  readonly file: string
  readonly load: () => unknown
  /** What helps where it does not load. */
  readonly remedy: string
}

// A bundle in CommonJS has no `import.meta`; without __filename there either, packages are looked for from the working directory.
const packages = createRequire(moduleUrl() ?? join(process.cwd(), 'bundle.js'))

interface PlatformPackage {
  readonly name: string
  readonly addon: () => string
  readonly load: () => unknown
}

/** By names that are written out, so that tools that trace files see them: @vercel/nft sees what is loaded, and the manifest whose `main` it is. */
const platformPackages: Readonly<Record<string, PlatformPackage>> = {
  x64: {
    name: '@preresnet/linux-x64',
    addon: () => packages.resolve('@preresnet/linux-x64'),
    load: () => packages('@preresnet/linux-x64') as unknown,
  },
  arm64: {
    name: '@preresnet/linux-arm64',
    addon: () => packages.resolve('@preresnet/linux-arm64'),
    load: () => packages('@preresnet/linux-arm64') as unknown,
  },
}

/** @throws ERR_BINDING with the commands that help where there is none, or where it is of another version, truncated, or for another processor. */
export function findAddon(): AddonFile {
  const platform = process.platform === 'linux' ? platformPackages[process.arch] : undefined
  if (platform === undefined) throw unsupported()
  const found = namedFile() ?? localBuild() ?? packagedFile(platform)
  if (found === undefined) throw addPackage(platform.name)
  const fault = faultOf(found.file)
  if (fault !== undefined) throw new PreresnetError('ERR_BINDING', `the native addon ${found.file} ${fault}; ${found.remedy}`)
  return found
}

/** As a user gave it: then nothing of the package is needed, and nothing of it is where a bundle is. */
function namedFile(): AddonFile | undefined {
  const given = process.env['PRERESNET_BINDING']
  if (given === undefined) return undefined
  const file = resolve(given)
  const remedy = 'PRERESNET_BINDING names it'
  if (!existsSync(file)) throw new PreresnetError('ERR_BINDING', `the native addon is missing: no ${file}; ${remedy}`)
  return { file, remedy, load: () => createRequire(file)(file) as unknown }
}

function localBuild(): AddonFile | undefined {
  if (knownPackageVersion() === undefined) return undefined
  const file = join(packageFolder(), 'build', 'Release', 'preresnet.node')
  return existsSync(file) ? { file, remedy: rebuild(), load: () => createRequire(file)(file) as unknown } : undefined
}

function packagedFile({ name, addon, load }: PlatformPackage): AddonFile | undefined {
  const file = resolved(addon)
  if (file === undefined) return undefined
  const reason = otherVersion(name, dirname(file))
  if (reason !== undefined) throw addPackage(name, reason)
  return { file, remedy: reinstall(name, dirname(file)), load }
}

/** What is wrong with the version of a package of ours that lies in `folder`, if anything is. */
function otherVersion(name: string, folder: string): string | undefined {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  const wanted = knownPackageVersion()
  return wanted === undefined || version === wanted ? undefined : `expected version ${wanted} of ${name}, as of preresnet, got ${version} in ${folder}`
}

/** Undefined where the package is not installed, or holds no such file. */
function resolved(find: () => string): string | undefined {
  try {
    return find()
  } catch {
    return undefined
  }
}

const machines = new Map([
  [62, 'x64'],
  [183, 'arm64'],
])

/** What the head of the file says against loading it: the part of a file that is missing would end the process instead of being an error. */
function faultOf(file: string): string | undefined {
  const head = Buffer.alloc(64)
  const opened = openSync(file, 'r')
  let size: number
  try {
    readSync(opened, head, 0, head.length, 0)
    size = fstatSync(opened).size
  } finally {
    closeSync(opened)
  }
  // 64 bits, little-endian.
  if (head.readUInt32BE(0) !== 0x7f454c46 || head.readUInt16BE(4) !== 0x0201) return `is no shared library, or is truncated: it has ${size} bytes`
  const machine = machines.get(head.readUInt16LE(18)) ?? `machine ${head.readUInt16LE(18)} of ELF`
  if (machine !== process.arch) return `is for another processor: expected ${process.arch}, got ${machine}`
  // The table of sections comes last.
  const whole = Number(head.readBigUInt64LE(40)) + head.readUInt16LE(58) * head.readUInt16LE(60)
  return size < whole ? `is truncated: expected ${whole} bytes, got ${size}` : undefined
}

const CUDA = '@preresnet/cuda-linux-x64'

/** Where device `cuda` has its library: beside the addon, or in the package that a user adds; and what helps where there is none, or one of another version. */
export function cudaFile(addon: string): { readonly file: string; readonly remedy: string } {
  const beside = join(dirname(addon), 'preresnet_cuda.so')
  const packaged = existsSync(beside) || process.arch !== 'x64' ? undefined : resolved(() => packages.resolve(`${CUDA}/preresnet_cuda.so`))
  const reason = packaged === undefined ? undefined : otherVersion(CUDA, dirname(packaged))
  return reason === undefined ? { file: packaged ?? beside, remedy: addCuda(CUDA) } : { file: beside, remedy: `${reason}; ${addCuda(CUDA)}` }
}
