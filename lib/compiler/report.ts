/** What `preresnet plan` shows of a program: what was fused into what, bytes read and written, memory kept for the backward pass. */
import { contracts, type OperationName } from '../contracts.js'
import { flopsOf } from './flops.js'
import { PLAIN } from './lower/engines.js'
import { type Role, tensorsAt, tensorsWithRoles } from './operands.js'
import type { DeviceName, OperationSpec, Phase, Precision, Program, ProgramSet, TensorSpec } from './program.js'
import { updateIn } from './update.js'

/** What one operation of a program does and costs. */
export interface OperationReport {
  /** The operation is this one of native/ops/contracts.json. */
  readonly op: OperationName
  /** The layer that it belongs to, and what was fused into it, are named here. */
  readonly name: string
  /** The operation belongs to this part of a step. */
  readonly phase: Phase
  /** These layers run inside the operation. */
  readonly fused: readonly string[]
  /** The number of bytes of its inputs is at least 0. */
  readonly bytesRead: number
  /** The number of bytes of its outputs is at least 0. */
  readonly bytesWritten: number
  /** The number of floating-point operations is at least 0, as of direct convolutions and matrix products; a multiplication and an addition are two. */
  readonly flops: number
  /** The shape of the first feature map or matrix that is written is [batch, channels, height, width] or [rows, columns]. */
  readonly shape: readonly number[]
  /** The number of launches is at least 1: fused convolutions are launched once a group of statistics. It is absent where the device is not CUDA. */
  readonly launches?: number
}

/**
 * What a step of a program launches on a GPU is counted here, small second launches of sums aside: a bias's gradient, groups of statistics, many sums of one
 * pointwise operation.
 */
export interface LaunchReport {
  /** The number of launches is at least 1. */
  readonly total: number
  /** The numbers of cuDNN's launches; what is computed again belongs to the backward pass. */
  readonly convolutions: { readonly forward: number; readonly backward: number }
  /** The number of launches of each operation is at least 1; those that are no convolution are own kernels. */
  readonly operations: Readonly<Record<string, number>>
}

/** What one program of a set does to memory. */
export interface PlanReport {
  /** The network has this name. */
  readonly network: string
  /** The program is for this device. */
  readonly device: DeviceName
  /** The program computes in this precision. */
  readonly precision: Precision
  /** The program has this name. */
  readonly program: string
  /** The number of images that are computed at a time is at least 1. */
  readonly batch: number
  /**
   * A step runs all operations up to `accumulate` this many times, at least 2; operations, bytes and times are those of one accumulation and the update. It is
   * absent where a step is done at once.
   */
  readonly accumulations?: number
  /** The operations are in the order in which they run. */
  readonly operations: readonly OperationReport[]
  /** The number of bytes that operations read is at least 0. */
  readonly bytesRead: number
  /** The number of bytes that operations write is at least 0. */
  readonly bytesWritten: number
  /**
   * The number of bytes read and written is at least 0, each operation's operands counted once: what crosses memory if no cache holds anything between
   * operations.
   */
  readonly bytesMoved: number
  /** What a step launches on a GPU; it is absent where the device is not CUDA. */
  readonly launches?: LaunchReport
  /** The number of bytes of the forward pass's transient tensors that the backward pass reads is at least 0. */
  readonly activationBytes: number
  /** The number of bytes, at least 0, if every convolution kept its normalized input beside the raw one, as frameworks do that do not recompute. */
  readonly activationBytesUnfused: number
  /** The number of bytes of each arena, by its name, is at least 0. */
  readonly arenas: Readonly<Record<string, number>>
  /** The first byte of arena `gradients` in arena `activations` is at least 0; it is absent where the arena lies by itself. */
  readonly gradientsAt?: number
  /** The number of bytes of the executor's scratch is at least 0, and 0 where no session told it. */
  readonly scratchBytes: number
  /** The number of bytes that a session allocates is at least 0. */
  readonly peakBytes: number
}

/**
 * Sums up one program of a set.
 * @param set - What `compilePrograms` made.
 * @param program - One of its programs.
 * @param scratchBytes - The number of bytes of the executor's scratch is at least 0, from the session's memory figures.
 * @throws RangeError where there is no such program.
 */
export function planReport(set: ProgramSet, program = 'train', scratchBytes = 0): PlanReport {
  const chosen = set.programs[program]
  if (chosen === undefined) throw new RangeError(`no program ${program}`)
  const accumulations = accumulationsOf(chosen)
  const operations = chosen.operations.map((operation) => reportOperation(set, operation, accumulations))
  const bytesRead = sum(operations.map((operation) => operation.bytesRead))
  const bytesWritten = sum(operations.map((operation) => operation.bytesWritten))
  const activationBytes = keptForBackward(set, chosen)
  const launches = set.device === 'cuda' ? launchReport(operations) : undefined
  return {
    network: set.network,
    device: set.device,
    precision: set.precision,
    program,
    batch: chosen.batch,
    ...(accumulations > 1 && { accumulations }),
    operations,
    bytesRead,
    bytesWritten,
    bytesMoved: bytesRead + bytesWritten,
    ...(launches && { launches }),
    activationBytes,
    activationBytesUnfused: activationBytes + activatedInputs(set, chosen),
    arenas: set.arenas,
    ...(set.gradientsAt !== undefined && { gradientsAt: set.gradientsAt }),
    scratchBytes,
    peakBytes: arenaBytes(set) + scratchBytes,
  }
}

/** What a session allocates for arenas. */
function arenaBytes({ arenas, gradientsAt }: ProgramSet): number {
  const all = sum(Object.values(arenas))
  return gradientsAt === undefined ? all : all - (arenas['gradients'] ?? 0)
}

function accumulationsOf({ operations }: Program): number {
  for (const { op, attributes } of operations) if (op === 'accumulate') return attributes.times
  return 1
}

function reportOperation(set: ProgramSet, operation: OperationSpec, accumulations: number): OperationReport {
  let bytesRead = 0
  let bytesWritten = 0
  let shape: readonly number[] = []
  for (const [tensor, role] of operandsWithRoles(set, operation)) {
    // Inputs are those of all accumulations, of which each reads its own.
    const bytes = tensor.arena === 'inputs' ? tensor.bytes / accumulations : tensor.bytes
    if (role !== 'out') bytesRead += bytes
    if (role !== 'in') bytesWritten += bytes
    if (role === 'out' && tensor.shape.length > shape.length) shape = tensor.shape
  }
  const { op, name, phase, fused } = operation
  return {
    op,
    name,
    phase,
    fused,
    bytesRead,
    bytesWritten,
    flops: flopsOf(set, operation),
    shape,
    ...(set.device === 'cuda' && { launches: launchesOf(set, operation) }),
  }
}

function launchesOf(set: ProgramSet, operation: OperationSpec): number {
  const { count = 1, each, groups } = contracts[operation.op].launches ?? {}
  // The norm that gradients are clipped by is taken where they are checked, if they are.
  const update = updateIn([operation])
  if (update !== undefined) return (update.attributes.clipNorm ?? 0) > 0 && update.operands.scaler === undefined ? count + 1 : count
  const indices = (names: readonly string[]): number[] => names.flatMap((name) => tensorsAt<number>(operation.operands, name))
  if (each !== undefined) return indices(each).length
  if (groups === undefined || !('tier' in operation.attributes) || operation.attributes.tier === PLAIN) return count
  return Math.max(count, ...indices(groups).map((index) => set.tensors[index]?.shape[0] ?? 1))
}

/** cuDNN's, for which it has engines. */
function isConvolution(op: OperationName): boolean {
  return 'engine' in contracts[op].attributes
}

function launchReport(operations: readonly OperationReport[]): LaunchReport {
  const counts: Record<string, number> = {}
  for (const { op, launches = 1 } of operations) counts[op] = (counts[op] ?? 0) + launches
  const convolutions = (within: Phase): number => sum(operations.map(({ op, phase, launches = 1 }) => (isConvolution(op) && phase === within ? launches : 0)))
  return {
    total: sum(Object.values(counts)),
    convolutions: { forward: convolutions('forward'), backward: convolutions('backward') },
    operations: counts,
  }
}

function operandsWithRoles(set: ProgramSet, operation: OperationSpec): [TensorSpec, Role][] {
  return tensorsWithRoles<number>(operation.op, operation.operands).map(([index, role]) => [set.tensors[index] as TensorSpec, role])
}

function keptForBackward(set: ProgramSet, program: Program): number {
  const written = new Set<TensorSpec>()
  const kept = new Set<TensorSpec>()
  for (const operation of program.operations) {
    for (const [tensor, role] of operandsWithRoles(set, operation)) {
      if (tensor.arena !== 'activations') continue
      if (operation.phase === 'forward' && role !== 'in') written.add(tensor)
      if (operation.phase === 'backward' && role !== 'out' && written.has(tensor)) kept.add(tensor)
    }
  }
  return sum([...kept].map((tensor) => tensor.bytes))
}

/** Bytes of each distinct transformed operand of a convolution or pooling: what would be stored without recomputation. */
function activatedInputs(set: ProgramSet, program: Program): number {
  const seen = new Map<string, number>()
  for (const operation of program.operations) {
    if (operation.phase !== 'forward') continue
    const { reads } = contracts[operation.op]
    if (reads === undefined) continue
    const attributes: Readonly<Record<string, unknown>> = operation.attributes
    const [[x], [scale]] = [tensorsAt<number>(operation.operands, 'x'), tensorsAt<number>(operation.operands, reads.scale)]
    if (x === undefined || (scale === undefined && attributes[reads.relu] !== true)) continue
    seen.set(`${x},${String(scale)}`, (set.tensors[x] as TensorSpec).bytes)
  }
  return sum([...seen.values()])
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
