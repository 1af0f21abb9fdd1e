/** What `preresnet plan` shows of a program: what was fused into what, bytes read and written, memory kept for the backward pass. */
import { contracts, type OperationName } from '../contracts.js'
import { flopsOf } from './flops.js'
import { PLAIN } from './lower/engines.js'
import { type Role, tensorsAt, tensorsWithRoles } from './operands.js'
import type { OperationSpec, Phase, Program, ProgramSet, TensorSpec } from './program.js'

export interface OperationReport {
  readonly op: OperationName
  readonly name: string
  readonly phase: Phase
  /** Layers that run inside this operation. */
  readonly fused: readonly string[]
  readonly bytesRead: number
  readonly bytesWritten: number
  /** As of direct convolutions and matrix products; a multiplication and an addition are two. */
  readonly flops: number
  /** Shape of the first feature map or matrix written. */
  readonly shape: readonly number[]
  /** On CUDA: fused convolutions are launched once a group of statistics. */
  readonly launches?: number
}

/** What a step of a program launches on a GPU, small second launches of sums aside: a bias's gradient, groups of statistics, many sums of one pointwise operation. */
export interface LaunchReport {
  readonly total: number
  /** cuDNN's; what is computed again belongs to the backward pass. */
  readonly convolutions: { readonly forward: number; readonly backward: number }
  /** By operation; those that are no convolution are own kernels. */
  readonly operations: Readonly<Record<string, number>>
}

export interface PlanReport {
  readonly network: string
  readonly device: string
  readonly precision: string
  readonly program: string
  readonly batch: number
  readonly operations: readonly OperationReport[]
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Each operation's operands once: what crosses memory if no cache holds anything between operations. */
  readonly bytesMoved: number
  /** On CUDA. */
  readonly launches?: LaunchReport
  /** Transient tensors of the forward pass that the backward pass reads. */
  readonly activationBytes: number
  /** The same if every convolution kept its normalized input beside the raw one, as frameworks do that do not recompute. */
  readonly activationBytesUnfused: number
  readonly arenas: Readonly<Record<string, number>>
  /** Where arena `gradients` begins in arena `activations`, if it lies there. */
  readonly gradientsAt?: number
  /** The executor's scratch, where a session told it. */
  readonly scratchBytes: number
  /** All that a session allocates. */
  readonly peakBytes: number
}

/** Sums of one program of a set; `scratchBytes` comes from the session's memory figures. */
export function planReport(set: ProgramSet, program = 'train', scratchBytes = 0): PlanReport {
  const chosen = set.programs[program]
  if (chosen === undefined) throw new RangeError(`no program ${program}`)
  const operations = chosen.operations.map((operation) => reportOperation(set, operation))
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

function reportOperation(set: ProgramSet, operation: OperationSpec): OperationReport {
  let bytesRead = 0
  let bytesWritten = 0
  let shape: readonly number[] = []
  for (const [tensor, role] of operandsWithRoles(set, operation)) {
    const { bytes } = tensor
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
  // The norm that gradients are clipped by is taken where they are checked, if they are.
  if (operation.op === 'sgd') return (operation.attributes.clipNorm ?? 0) > 0 && operation.operands.scaler === undefined ? 2 : 1
  const { count = 1, each, groups } = contracts[operation.op].launches ?? {}
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
