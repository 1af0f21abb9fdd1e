/** What `preresnet doctor` says of CUDA: what the library was built for, what the machine has, and whether the kernels have run on hardware. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { loadBinding } from '../native/load.js'
import { packageFolder } from '../package.js'
import type { CudaReport } from './json/doctor.js'
import { size } from './output.js'

export function cudaReport(): CudaReport {
  const verified = verifiedResults()
  try {
    const { device, devices: count, problem, ...library } = loadBinding().cuda(0)
    if (device === undefined) return { problem, library, devices: [], verified }
    const others = Array.from({ length: count - 1 }, (_, index) => describe(index + 1))
    const devices = [{ index: 0, ...device }, ...others.filter((other) => other !== undefined)]
    return { problem, library, devices, verified }
  } catch (error) {
    if (error instanceof PreresnetError) return { problem: error.message, devices: [], verified }
    throw error
  }
}

export function cudaRows({ problem, library, devices, verified }: CudaReport): readonly (readonly [label: string, value: string])[] {
  const rows: [string, string][] = []
  if (library !== undefined) {
    const { builtForRuntime, driver, builtForCudnn, cudnn, cudnnFrontend, architectures } = library
    rows.push(
      ['CUDA library', `for CUDA ${cudaVersion(builtForRuntime)}, compute capabilities ${architectures}`],
      ['CUDA driver', `${driver === 0 ? 'none' : `CUDA ${cudaVersion(driver)}`} (wanted: ${cudaVersion(Math.floor(builtForRuntime / 1000) * 1000)} or later)`],
      [
        'cuDNN',
        `${cudnn === 0 ? 'none' : cudnnVersion(cudnn)} (wanted: ${cudnnVersion(builtForCudnn)} or later), cudnn-frontend ${cudnnVersion(cudnnFrontend)}`,
      ],
    )
  }
  for (const { index, name, architecture, multiprocessors, memory, available } of devices) {
    const capability = `${Math.floor(architecture / 10)}.${architecture % 10}`
    rows.push([`GPU ${index}`, `${name}, compute capability ${capability}, ${multiprocessors} multiprocessors, ${size(available)} of ${size(memory)} free`])
  }
  const state = verified.map(({ gpu, commit, date }) => `verified on ${gpu}, ${date}, commit ${commit}`).join('; ')
  rows.push(['CUDA', `${problem === '' ? '' : `${problem}; `}${state === '' ? 'not yet verified on hardware' : state}`])
  return rows
}

/** A GPU that cannot be used is left out: device 0 says why. */
function describe(index: number): CudaReport['devices'][number] | undefined {
  try {
    const { device } = loadBinding().cuda(index)
    return device === undefined ? undefined : { index, ...device }
  } catch (error) {
    if (error instanceof PreresnetError) return undefined
    throw error
  }
}

/** CUDA's 13000 as 13.0. */
function cudaVersion(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`
}

/** cuDNN's 91900 as 9.19.0. */
function cudnnVersion(version: number): string {
  return `${Math.floor(version / 10_000)}.${Math.floor((version % 10_000) / 100)}.${version % 100}`
}

/** Of docs/benchmarks/gpu, which a published package does not have. */
function verifiedResults(): CudaReport['verified'] {
  const folder = join(packageFolder(), 'docs/benchmarks/gpu')
  let files: readonly string[]
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  } catch {
    return []
  }
  return files.flatMap((file) => {
    const result = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      readonly device?: string
      readonly gpu?: { readonly name?: string }
      readonly commit?: string
      readonly date?: string
      readonly checks?: Readonly<Record<string, { readonly passed?: boolean }>>
    }
    const { device, gpu, commit = 'unknown', date = 'unknown', checks = {} } = result
    // The emulated device is no hardware.
    const passed = Object.values(checks).length > 0 && Object.values(checks).every(({ passed }) => passed === true)
    return device === 'cuda' && passed ? [{ gpu: gpu?.name ?? 'unknown', commit, date }] : []
  })
}
