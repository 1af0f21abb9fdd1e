/** Judges an executor by what PyTorch computed in float64: every known case in a directory, tensor by tensor. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProgramOptions, ConvolutionChoice } from '../compiler/options.js'
import type { DeviceName, Precision } from '../compiler/program.js'
import { PreresnetError } from '../errors.js'
import { type Arithmetic, bound, isLow, median, medianBound, relativeError } from './bounds.js'
import { comparedTensors, type GoldenCase, readCase, tensor } from './case_file.js'
import { knownCases } from './cases.js'
import { runNet } from './run_net.js'
import { runUnit } from './run_unit.js'
import type { GoldenTarget } from './target.js'

interface GoldenOptions {
  readonly directory: string
  readonly device: DeviceName
  readonly precision: Precision
  /** 'auto' is judged by the wider bounds of Winograd's algorithm. @default 'direct' */
  readonly convolution?: ConvolutionChoice
  /** Threads of the CPU executor; 0: what the machine allows. @default 0 */
  readonly threads?: number
  /** @internal Launches of a GPU on another device. */
  readonly lowering?: ProgramOptions['lowering']
  /** Only these cases. @default all known ones */
  readonly cases?: readonly string[]
  readonly onCase?: (result: CaseResult) => void
}

/** A case's worst tensor, relative to its bound. A case that is not there or could not run has a `reason` and no tensor. */
interface CaseResult {
  readonly case: string
  readonly tensor: string | null
  /** null: not a finite number. */
  readonly error: number | null
  readonly bound: number | null
  readonly passed: boolean
  readonly reason?: string
}

export interface GoldenReport {
  readonly device: DeviceName
  readonly precision: Precision
  readonly convolution: ConvolutionChoice
  /** Tensors compared. */
  readonly compared: number
  readonly cases: readonly CaseResult[]
  /** Low precision only: the median over all tensors of (error / PyTorch's error). */
  readonly medianRatio?: { readonly value: number; readonly bound: number; readonly passed: boolean }
  readonly passed: boolean
}

export async function checkGoldens(options: GoldenOptions): Promise<GoldenReport> {
  const names = options.cases ?? knownCases
  await requireDirectory(options.directory)
  const cases: CaseResult[] = []
  const ratios: number[] = []
  let compared = 0
  for (const name of names) {
    const judged = await judge(name, options)
    cases.push(judged.result)
    compared += judged.compared
    ratios.push(...judged.ratios)
    options.onCase?.(judged.result)
  }
  const passed = cases.every((result) => result.passed)
  const report = { device: options.device, precision: options.precision, convolution: options.convolution ?? 'direct', compared, cases }
  if (!isLow(options.precision)) return { ...report, passed }
  const value = median(ratios)
  const medianRatio = { value, bound: medianBound, passed: value <= medianBound }
  return { ...report, medianRatio, passed: passed && medianRatio.passed }
}

interface Judged {
  readonly result: CaseResult
  readonly compared: number
  readonly ratios: readonly number[]
}

async function judge(name: string, options: GoldenOptions): Promise<Judged> {
  if (!existsSync(join(options.directory, `${name}.safetensors`))) return failed(name, `${name}.safetensors is not there`)
  try {
    const golden = await readCase(options.directory, name)
    const { device, precision, convolution = 'direct', threads = 0, lowering } = options
    const target: GoldenTarget = { device, precision, convolution, threads, ...(lowering && { lowering }) }
    return compare(golden, await (golden.kind === 'unit' ? runUnit(golden, target) : runNet(golden, target)), target)
  } catch (error) {
    if (!(error instanceof PreresnetError) || error.code === 'ERR_DEVICE') throw error
    return failed(name, `${error.code}: ${error.message}`)
  }
}

function failed(name: string, reason: string): Judged {
  return { result: { case: name, tensor: null, error: null, bound: null, passed: false, reason }, compared: 0, ratios: [] }
}

/** Got values by golden name. */
type Results = ReadonlyMap<string, ArrayLike<number>>

function compare(golden: GoldenCase, got: Results, arithmetic: Arithmetic): Judged {
  const { precision } = arithmetic
  let result: CaseResult | undefined
  let worst = -1
  const ratios: number[] = []
  const names = comparedTensors(golden)
  for (const name of names) {
    const want = tensor(golden, name).values
    const values = got.get(name)
    if (values?.length !== want.length) {
      return failed(golden.name, `${name}: expected ${want.length} values, got ${values === undefined ? 'no such tensor' : values.length}`)
    }
    const error = relativeError(values, want)
    const pytorch = isLow(precision) ? pytorchError(golden, name) : 0
    // Where PyTorch misses nothing (a unit's unchanged weights) there is no ratio to speak of, as long as nothing is missed here.
    if (isLow(precision) && !(error === 0 && pytorch === 0)) ratios.push(notNaN(error / pytorch))
    const limit = bound(arithmetic, golden.kind, name, pytorch)
    if (limit === null && Number.isFinite(error)) continue
    const share = limit === null ? Infinity : notNaN(error / limit)
    if (share > worst) {
      worst = share
      result = { case: golden.name, tensor: name, error: Number.isFinite(error) ? error : null, bound: limit, passed: limit !== null && error <= limit }
    }
  }
  if (result === undefined) return failed(golden.name, 'nothing to compare')
  return { result, compared: names.length, ratios }
}

function notNaN(value: number): number {
  return Number.isNaN(value) ? Infinity : value
}

function pytorchError(golden: GoldenCase, name: string): number {
  const error = golden.pytorchBf16[name]
  if (error === undefined) throw new PreresnetError('ERR_FILE', `${golden.name}: the metadata lack PyTorch's bf16 error of ${name}`)
  return error
}

async function requireDirectory(directory: string): Promise<void> {
  try {
    await readdir(directory)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'is not there' : code === 'ENOTDIR' ? 'is not a directory' : `cannot be read (${code})`
    throw new PreresnetError('ERR_FILE', `${directory}: ${why}; expected a directory of golden cases`, { cause })
  }
}
