/** What each operation of a program takes on this machine: `preresnet plan --time`. */
import { serializePrograms } from '../compiler/compile.js'
import { elements } from '../compiler/layout.js'
import type { ProgramSet } from '../compiler/program.js'
import type { PlanReport } from '../compiler/report.js'
import { buildGraph } from '../graph/index.js'
import type { Network } from '../layers/index.js'
import { loadBinding } from '../native/load.js'
import type { CudaSessionOptions, NativeSession, Roofline } from '../native/types.js'
import { writeLossScale } from '../runtime/loss_scale.js'
import { initialValues } from '../runtime/random.js'
import { writeStartValues } from '../runtime/start_values.js'

interface OperationTiming {
  readonly milliseconds: number
  /** As of direct convolutions and matrix products. */
  readonly flopsPerSecond: number
  /** Operands, each counted once. */
  readonly bytesPerSecond: number
  /** Time at the machine's peak (of arithmetic or of copies, the longer) as a share of the time taken. */
  readonly shareOfPeak: number
}

export interface Timing {
  readonly operations: readonly OperationTiming[]
  /** Sum over the operations. */
  readonly milliseconds: number
  /** Runs whose median counts, after one that does not. */
  readonly runs: number
  /** Operations a second: on a CPU fp32 in registers, all threads; on CUDA of a large matrix product in the program's arithmetic. */
  readonly peakFlops: number
  /** Bytes a second that large copies read and write. */
  readonly peakBytes: number
  /** On a CPU: the instruction set of vector code: AVX3, AVX2, NEON ... */
  readonly instructions?: string
  readonly threads?: number
}

const RUNS = 5

interface TimingDevice {
  /** Of a CPU; 0: what it allows. */
  readonly threads: number
  /** Where the programs are for a CUDA device. */
  readonly cuda?: CudaSessionOptions
}

/** Runs `report.program` on random images and parameters. ERR_UNSUPPORTED on an executor whose speed is no concern. */
export async function timeProgram(network: Network, set: ProgramSet, report: PlanReport, timed: TimingDevice): Promise<Timing> {
  const binding = loadBinding()
  const { threads, cuda } = timed
  const native = await binding.createSession(await serializePrograms(set), { threads, ...(cuda && { cuda }) })
  try {
    const roofline = await native.measureRoofline()
    await native.allocate()
    await fill(native, network, set)
    const times = await traces(native, report.program, report.operations.length)
    const operations = report.operations.map((operation, index) => rates(Math.max(1e-9, median(times.map((run) => run[index]!))), operation, roofline))
    return {
      operations,
      milliseconds: operations.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      runs: RUNS,
      peakFlops: roofline.flops,
      peakBytes: roofline.bytes,
      ...(cuda === undefined && { instructions: roofline.instructions, threads: threads === 0 ? Number(binding.system['allowedThreads']) : threads }),
    }
  } finally {
    await native.dispose()
  }
}

/** Low, so that no step overflows: one that is skipped takes less time. */
const LOSS_SCALE = 1024

/** Start values of every parameter, and noise for images; labels and crops stay zero. */
async function fill(native: NativeSession, network: Network, set: ProgramSet): Promise<void> {
  await writeStartValues(native, buildGraph(network), 1)
  await writeLossScale(native, set, LOSS_SCALE)
  const images = set.tensors.find(({ name, arena }) => arena === 'inputs' && name === 'images')
  if (images === undefined) return
  const noise = await initialValues({ kind: 'normal', std: 50 }, elements(images.shape), 1, 'images')
  await native.write(
    'images',
    Uint8Array.from(noise, (value) => Math.max(0, Math.min(255, 128 + value))),
  )
}

/** Seconds of every operation, run by run. */
async function traces(native: NativeSession, program: string, operations: number): Promise<number[][]> {
  const results: number[][] = []
  for (let run = 0; run <= RUNS; run++) {
    const learningRates = new Float64Array(program === 'train' ? 1 : 0).fill(0.001)
    await native.run(program, { steps: 1, seed: 1, firstStep: run, learningRates, trace: true, serial: true })
    // Of several accumulations the last, which the update follows.
    const events = native.trace().slice(-operations)
    if (run > 0) results.push(events.map(({ duration }) => duration / 1e6))
  }
  return results
}

function rates(seconds: number, { flops, bytesRead, bytesWritten }: PlanReport['operations'][number], roofline: Roofline): OperationTiming {
  const bytes = bytesRead + bytesWritten
  return {
    milliseconds: seconds * 1000,
    flopsPerSecond: flops / seconds,
    bytesPerSecond: bytes / seconds,
    shareOfPeak: Math.max(flops / roofline.flops, bytes / roofline.bytes) / seconds,
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}
