// Which GPU, driver, libraries and commit a result belongs to.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitOf } from '../support/commit.mjs'
import { Stop } from '../support/run.mjs'
import { attempt, json, lastWords, preresnet, pythonEnvironment } from './processes.mjs'

/** Stop where there is no GPU that preresnet can use. Sets CUDNN_PATH from Python's packages where nothing else says where cuDNN is. */
export function describeEnvironment(context) {
  if (!context.emulated && process.env.CUDNN_PATH === undefined) findCudnn(context)
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
    cpu: system.cpu,
    node: process.versions.node,
  }
}

function findCudnn({ python }) {
  const program = 'import importlib.util as u; s = u.find_spec("nvidia.cudnn"); print(list(s.submodule_search_locations)[0] if s else "")'
  const { status, stdout } = attempt(python, ['-c', program], { limit: 60, env: pythonEnvironment() })
  if (status === 0 && stdout.trim() !== '') process.env.CUDNN_PATH = stdout.trim()
}

function commit({ home }) {
  try {
    return readFileSync(join(home, 'commit'), 'utf8').trim()
  } catch {
    return commitOf(home) ?? 'unknown'
  }
}
