// The gate of a package's shared objects: what they need of the system, read from their dynamic sections.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { output, Stop } from '../support/run.mjs'

/** The lowest that Debian 12's compiler gives; RHEL 9, Amazon Linux 2023 and Ubuntu 22.04 have these and later ones. */
const MOST = { GLIBC: '2.34', GCC: '7' }
/** Of glibc, and what Node itself needs. */
const LIBRARIES = /^(lib(c|m)\.so\.6|libgcc_s\.so\.1|lib(dl|pthread|rt)\.so\.[0-2]|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$/

/** What the package in `folder` needs, in words. Throws Stop where that is more than it may be. */
export function checkPackage(folder) {
  const names = readdirSync(folder).filter((name) => /\.(node|so(\.\d+)*)$/.test(name))
  return `glibc ${highestOf(names.map((name) => checkSymbols(join(folder, name)).GLIBC))} or later`
}

/** The highest version that `file` needs of each library. */
export function checkSymbols(file) {
  const { needed, versions, paths, unbound } = dynamicSection(file)
  const others = needed.filter((name) => !LIBRARIES.test(name))
  const highest = {}
  for (const [library, version] of versions) highest[library] = highestOf([highest[library] ?? '0', version])
  const above = Object.entries(MOST).filter(([library, most]) => compareVersions(highest[library] ?? '0', most) > 0)
  const faults = [
    ...(others.length > 0 ? [`expected to need glibc and libgcc alone, got ${others.join(', ')}`] : []),
    ...('GLIBCXX' in highest ? [`expected the C++ library inside, got GLIBCXX_${highest.GLIBCXX}`] : []),
    ...above.map(([library, most]) => `expected ${library}_${most} at most, got ${library}_${highest[library]}`),
    ...(unbound.length > 0 ? [`expected nothing undefined but Node-API, got ${unbound.join(', ')}`] : []),
    ...paths.map((path) => `expected no path to look for libraries in, got ${path}`),
  ]
  if (faults.length > 0) throw new Stop(`${file}: ${faults.join('; ')}`)
  return highest
}

/** `versions` are pairs such as GLIBC and 2.34; `unbound` are symbols that no version of a library says where to find, and that Node has not. */
export function dynamicSection(file) {
  const program = objdumpOf(file)
  const text = output(program, ['-pT', file])
  if (text === undefined) throw new Stop(`${program} -pT ${file} failed`)
  const references = text.split(/^Version References:$/m)[1] ?? ''
  return {
    needed: [...text.matchAll(/^ +NEEDED +(\S+)$/gm)].map(([, name]) => name),
    versions: [...references.matchAll(/^ +0x[0-9a-f]+ 0x[0-9a-f]+ \d+ ([A-Z]+)_([\d.]+)$/gm)].map(([, library, version]) => [library, version]),
    unbound: [...text.matchAll(/^0+ {6}D[ F]? +\*UND\*\s+0+ +(?:Base +)?(?!napi_|node_api_|\()(\S+)$/gm)].map(([, symbol]) => symbol),
    paths: [...text.matchAll(/^ +(?:RUNPATH|RPATH) +(\S+)$/gm)].flatMap(([, list]) => list.split(':')),
  }
}

/** Debian's knows one processor alone. */
function objdumpOf(file) {
  const arm64 = readFileSync(file).readUInt16LE(18) === 183
  return arm64 && process.arch !== 'arm64' ? 'aarch64-linux-gnu-objdump' : 'objdump'
}

function highestOf(versions) {
  return versions.toSorted(compareVersions).at(-1)
}

function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
