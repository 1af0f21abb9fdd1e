// onnxruntime-node and sharp, which a service in Node is commonly made of, in a folder of the cache: the repository does not depend on them.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cacheFolder, keptFolder } from '../../support/cache.mjs'
import { run } from '../../support/run.mjs'

export const versions = { 'onnxruntime-node': '1.30.0', sharp: '0.35.5' }

/** Their scripts would fetch libraries for GPUs; what a CPU needs is in the archives. */
export function installed() {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  return keptFolder(join(cacheFolder(process.cwd()), wanted.join('-')), (folder) =>
    run('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...wanted]),
  )
}

export const requireFrom = (folder) => createRequire(join(folder, 'package.json'))
