// What the addon uses of Highway beyond its headers: which instructions the processor has. Debian has it only as a shared library.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { keptFolder } from '../support/cache.mjs'
import { run } from '../support/run.mjs'
import { debianSource } from './debian_source.mjs'

const HIGHWAY = {
  name: 'highway',
  version: '1.0.3-3+deb12u1',
  suite: 'bookworm',
  archive: 'highway_1.0.3.orig.tar.gz',
  sha256: '566fc77315878473d9a6bd815f7de78c73734acdcb745c3dde8579560ac5440e',
}

const LIBRARY = 'libhwy.a'

/** A static library, kept in the cache folder. */
export function staticHighway(cache, { processor, compiler }) {
  const folder = keptFolder(join(cache, 'libraries', `highway-${HIGHWAY.version}-${processor}`), (partial) => {
    const source = debianSource(cache, HIGHWAY)
    const object = join(partial, 'targets.o')
    const words = ['-std=c++17', '-O2', '-fPIC', '-fvisibility=hidden', '-I', source, '-c', join(source, 'hwy/targets.cc'), '-o', object]
    run(compiler.CMAKE_CXX_COMPILER ?? 'c++', words)
    run(compiler.CMAKE_AR ?? 'ar', ['rcsD', join(partial, LIBRARY), object])
    rmSync(object)
  })
  return join(folder, LIBRARY)
}
