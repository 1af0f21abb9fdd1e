// oneDNN of the packages, kept in the user's cache folder: a static one that is built from Debian's sources (sequential, with the convolutions and reorders that
// this library uses); or Maven's shared library, which lies beside the addon.
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { keptFolder } from '../support/cache.mjs'
import { ensure } from '../support/debian.mjs'
import { run, Stop } from '../support/run.mjs'
import { checkSha256, debianSource } from './debian_source.mjs'
import { keepConvolutions, PARTS } from './onednn_parts.mjs'

const ONEDNN = {
  name: 'onednn',
  version: '3.7.2+ds-2',
  suite: 'trixie',
  archive: 'onednn_3.7.2+ds.orig.tar.xz',
  sha256: '0cc51ca26c1af6a2bb1e71e378e7046f3ceb3e71791ee9d4e246d50f904a6ea6',
}

/** By Node's names of processors. */
const MAVEN = {
  x64: { version: '3.13-1.5.14', classifier: 'linux-x86_64', sha256: '9c9a46215ec11c7ceb442714083615c74104f4ad7181ff910bf5fa95999070f4' },
}

const SETTINGS = {
  CMAKE_BUILD_TYPE: 'Release',
  // What is hot is code that it writes when it runs.
  CMAKE_CXX_FLAGS_RELEASE: '-O1 -DNDEBUG',
  CMAKE_POSITION_INDEPENDENT_CODE: 'ON',
  ONEDNN_LIBRARY_TYPE: 'STATIC',
  ONEDNN_CPU_RUNTIME: 'SEQ',
  ONEDNN_GPU_RUNTIME: 'NONE',
  ONEDNN_BUILD_DOC: 'OFF',
  ONEDNN_BUILD_EXAMPLES: 'OFF',
  ONEDNN_BUILD_TESTS: 'OFF',
  ONEDNN_BUILD_GRAPH: 'OFF',
  ONEDNN_ENABLE_WORKLOAD: 'TRAINING',
  ONEDNN_ENABLE_PRIMITIVE: 'CONVOLUTION;REORDER',
  ONEDNN_ENABLE_JIT_PROFILING: 'OFF',
  ONEDNN_ENABLE_ITT_TASKS: 'OFF',
  DNNL_ARCH_OPT_FLAGS: '',
}

/**
 * @typedef {{ version: string, include: string, library: string, beside: readonly string[], license: string }} OneDnn
 * `library` is what the addon is linked with, and `beside` are the files that lie beside it
 */

/** Which oneDNN the packages have. @returns {OneDnn} */
export function oneDnn(cache, target, { from, jobs }) {
  if (from === 'maven') return mavenOneDnn(cache, target.processor)
  if (from === 'debian') return staticOneDnn(cache, target, jobs)
  throw new Stop(`--onednn: expected maven or debian, got ${from}`)
}

function mavenOneDnn(cache, processor) {
  const { version, classifier, sha256 } = MAVEN[processor] ?? {}
  if (version === undefined) throw new Stop(`expected oneDNN of Maven for ${Object.keys(MAVEN).join(', ')}, got ${processor}: --onednn debian builds one`)
  const folder = join(cache, 'libraries', `dnnl-${version}-${classifier}`)
  const root = join(folder, 'org/bytedeco/dnnl', classifier)
  keptFolder(folder, (partial) => {
    ensure([
      { name: 'maven', tools: ['mvn'] },
      { name: 'unzip', tools: ['unzip'] },
    ])
    run('mvn', ['-q', 'dependency:get', '-Dtransitive=false', `-Dartifact=org.bytedeco:dnnl:${version}:jar:${classifier}`])
    const archive = join(homedir(), '.m2/repository/org/bytedeco/dnnl', version, `dnnl-${version}-${classifier}.jar`)
    checkSha256(archive, sha256)
    run('unzip', ['-q', archive, 'org/*', '-d', partial])
  })
  const [library, openmp] = ['libdnnl.so.3', 'libgomp.so.1'].map((name) => join(root, name))
  return { version: `${version} of Maven's org.bytedeco:dnnl`, include: join(root, 'include'), library, beside: [library, openmp], license: licenseOf(cache) }
}

function staticOneDnn(cache, { processor, compiler }, jobs) {
  const recipe = createHash('sha256')
    .update(JSON.stringify([ONEDNN, SETTINGS, PARTS, compiler]))
    .digest('hex')
    .slice(0, 12)
  const folder = keptFolder(join(cache, 'libraries', `onednn-${processor}-${recipe}`), (partial) => {
    console.log(`Building oneDNN ${ONEDNN.version} for ${processor} into ${partial}: some minutes, once`)
    const [source, build] = ['source', 'build'].map((name) => join(partial, name))
    cpSync(debianSource(cache, ONEDNN), source, { recursive: true })
    keepConvolutions(source)
    const settings = {
      ...SETTINGS,
      ...compiler,
      CMAKE_CXX_FLAGS: `${compiler.CMAKE_CXX_FLAGS ?? ''} -ffile-prefix-map=${partial}/=`,
      CMAKE_INSTALL_LIBDIR: 'lib',
    }
    run('cmake', ['-S', source, '-B', build, '-G', 'Ninja', '-Wno-dev', ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)])
    run('cmake', ['--build', build, '--parallel', jobs])
    run('cmake', ['--install', build, '--prefix', partial])
    for (const done of [source, build]) rmSync(done, { recursive: true })
  })
  return { version: ONEDNN.version, include: join(folder, 'include'), library: join(folder, 'lib/libdnnl.a'), beside: [], license: licenseOf(cache) }
}

function licenseOf(cache) {
  const source = debianSource(cache, ONEDNN)
  return ['LICENSE', 'THIRD-PARTY-PROGRAMS'].map((name) => readFileSync(join(source, name), 'utf8')).join('\n')
}
