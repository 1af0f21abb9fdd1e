// Which GPU, driver, libraries and commit a result belongs to.
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { commitOf } from '../support/commit.mjs'
import { Stop } from '../support/run.mjs'
import { attempt, json, lastWords, preresnet, pythonEnvironment } from './processes.mjs'

/** Stop where there is no GPU that preresnet can use, or a bundle's own libraries are not those that are used. Sets CUDNN_PATH from Python's packages where nothing else says where cuDNN is. */
export function describeEnvironment(context) {
  if (!context.emulated && process.env.CUDNN_PATH === undefined) findCudnn(context)
  const libraries = loadedLibraries(context)
  const doctor = preresnet(context, ['doctor', '--json'], { limit: 60 })
  const { version, cuda, system } = json(doctor, 'preresnet doctor')
  const devices = cuda.devices ?? []
  if (!context.emulated && devices.length === 0) throw new Stop(`there is no GPU to check: ${cuda.problem ?? lastWords(doctor.stderr)}`)
  return {
    date: new Date().toISOString().slice(0, 10),
    preresnet: version,
    commit: commit(context),
    device: context.device,
    gpu: context.emulated ? { name: 'emulated' } : devices[0],
    cuda,
    libraries,
    cpu: system.cpu,
    node: process.versions.node,
  }
}

function findCudnn({ python }) {
  const program = 'import importlib.util as u; s = u.find_spec("nvidia.cudnn"); print(list(s.submodule_search_locations)[0] if s else "")'
  const { status, stdout } = attempt(python, ['-c', program], { limit: 60, env: pythonEnvironment() })
  if (status === 0 && stdout.trim() !== '') process.env.CUDNN_PATH = stdout.trim()
}

/**
 * The files that the addon is linked with, as a program that is started like all the others finds them. Of a bundle: its own, whatever the host
 * has beside, else something else than what was bundled would be checked.
 */
function loadedLibraries({ home }) {
  const program = `process.dlopen({ exports: {} }, ${JSON.stringify(join(home, 'build/Release/preresnet.node'))})
    process.stdout.write(require('node:fs').readFileSync('/proc/self/maps', 'latin1'))`
  const { status, stdout, stderr } = attempt(process.execPath, ['-e', program], { limit: 60, cwd: home })
  if (status !== 0) throw new Stop(`the addon cannot be loaded: ${lastWords(stderr)}`)
  const loaded = [...new Set(stdout.match(/(?<= )\/\S+\.so[.\d]*$/gm))]
  const bundled = process.env.PRERESNET_BUNDLE_LIBRARIES
  if (bundled !== undefined) {
    for (const name of readdirSync(bundled)) {
      const own = realpathSync(join(bundled, name))
      // Elsewhere a file's name goes on: libdnnl.so.2.7.
      const used = loaded.find((file) => basename(file).startsWith(name))
      // Some are the CUDA library's, which is opened later.
      if (used !== undefined && used !== own) throw new Stop(`expected ${name} of the bundle, ${own}, got ${used}`)
    }
    if (!loaded.some((file) => dirname(file) === realpathSync(bundled))) throw new Stop(`expected libraries of ${bundled}, got none of them`)
  }
  return loaded
}

function commit({ home }) {
  try {
    return readFileSync(join(home, 'commit'), 'utf8').trim()
  } catch {
    return commitOf(home) ?? 'unknown'
  }
}
