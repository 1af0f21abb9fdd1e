// oneDNN of the packages: a static one, sequential, with the convolutions and reorders that this library uses, built from Debian's sources and kept in the user's cache folder.
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { keptFolder } from '../support/cache.mjs'
import { run } from '../support/run.mjs'
import { debianSource } from './debian_source.mjs'
import { keepConvolutions, PARTS } from './onednn_parts.mjs'

const ONEDNN = {
  name: 'onednn',
  version: '3.7.2+ds-2',
  suite: 'trixie',
  archive: 'onednn_3.7.2+ds.orig.tar.xz',
  sha256: '0cc51ca26c1af6a2bb1e71e378e7046f3ceb3e71791ee9d4e246d50f904a6ea6',
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

/** @returns {{ version: string, include: string, library: string, license: string }} `library` is what the addon is linked with */
export function staticOneDnn(cache, { processor, compiler }, jobs) {
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
  const license = ['LICENSE', 'THIRD-PARTY-PROGRAMS'].map((name) => readFileSync(join(debianSource(cache, ONEDNN), name), 'utf8')).join('\n')
  return { version: ONEDNN.version, include: join(folder, 'include'), library: join(folder, 'lib/libdnnl.a'), license }
}
