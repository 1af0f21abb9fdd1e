// Where CUDA is: what the environment names, else the wheels of scripts/cuda-toolchain.mjs, else what the system has.
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'

/** The folder of scripts/cuda-toolchain.mjs, relative to the repository. */
export const CUDA_WHEELS = '.cuda'

const frontends = ['include/cudnn_frontend.h', 'cudnn_frontend.h']

/**
 * Absolute folders: `toolkit` (with bin/nvcc), `cudnn` (with include/cudnn.h) and `frontend` (with cudnn_frontend.h), and the
 * release of the toolkit; or what is `missing`, one line each.
 */
export function findCuda(root) {
  const wheels = join(root, CUDA_WHEELS)
  const { CUDA_HOME, CUDA_PATH, CUDNN_PATH, CUDNN_FRONTEND_PATH } = process.env
  const toolkit = first([CUDA_HOME, CUDA_PATH, join(wheels, 'nvidia/cu13'), fromPath(), '/usr/local/cuda'], ['bin/nvcc'])
  // Beside the toolkit too: a folder of wheels has both.
  const beside = toolkit === undefined ? [] : [join(toolkit, '../cudnn'), toolkit]
  const cudnn = first([CUDNN_PATH, ...beside, join(wheels, 'nvidia/cudnn'), '/usr/local', '/usr'], ['include/cudnn.h'])
  const frontend = first([CUDNN_FRONTEND_PATH, toolkit && join(toolkit, '../..'), wheels, cudnn, '/usr/local', '/usr'], frontends)
  const missing = []
  if (toolkit === undefined) missing.push('the CUDA toolkit (nvcc)')
  if (cudnn === undefined) missing.push('cuDNN 9 (include/cudnn.h)')
  if (frontend === undefined) missing.push("cudnn-frontend's headers (cudnn_frontend.h)")
  if (missing.length > 0) return { missing }
  const headers = existsSync(join(frontend, 'include/cudnn_frontend.h')) ? join(frontend, 'include') : frontend
  return { missing, toolkit, cudnn, frontend: headers, release: releaseOf(toolkit) }
}

/** The first folder that has one of `files`. */
function first(folders, files) {
  const folder = folders.find((path) => path && files.some((file) => existsSync(join(path, file))))
  return folder && resolve(folder)
}

/** The toolkit whose nvcc is on the PATH. */
function fromPath() {
  const folder = (process.env.PATH ?? '').split(delimiter).find((path) => path !== '' && existsSync(join(path, 'nvcc')))
  return folder && dirname(dirname(realpathSync(join(folder, 'nvcc'))))
}

/** '13.0' of CUDART_VERSION 13000. */
function releaseOf(toolkit) {
  const header = join(toolkit, 'include/cuda_runtime_api.h')
  const version = existsSync(header) ? Number(/#define CUDART_VERSION +(\d+)/.exec(readFileSync(header, 'utf8'))?.[1]) : NaN
  return Number.isNaN(version) ? 'unknown' : `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`
}
