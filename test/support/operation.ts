/** Runs one operation on one executor, through the addon, the way a compiled program would. */
import { contracts, contractsVersion, type OperandContract, type OperationName } from '../../lib/contracts.js'
import { align, storageBytes, type TensorTypes } from '../../lib/compiler/layout.js'
import type { ArenaName, DType, Layout, OperationSpec, ProgramSet, TensorSpec } from '../../lib/compiler/program.js'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeRanks, NativeSession } from '../../lib/native/types.js'
import type { TestExecutor } from './executors.js'
import { nativeRanks } from './ranks.js'
import type { Values } from './values.js'
import { emulated, type Emulation } from '../../lib/native/emulation.js'

type AttributeValue = number | boolean | readonly number[]

/** One use of an operation: what it reads, and the shapes of what it writes. */
export interface OperationCase {
  readonly inputs: Readonly<Record<string, Values | readonly Values[]>>
  /** Outputs that are left out here are absent operands. Operands that are read and written stand in `inputs`. */
  readonly outputs: Readonly<Record<string, readonly number[] | readonly (readonly number[])[]>>
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly step?: StepOfCase
  /** What the other ranks read, where there are several. */
  readonly others?: readonly OperationCase['inputs'][]
}

export interface StepOfCase {
  readonly seed?: number
  readonly index?: number
  readonly learningRate?: number
  /** That are wanted, at the front of the batch. */
  readonly images?: number
}

/** How a session runs, whatever the program; on the emulated device what that is told. */
export interface SessionOptions extends Emulation {
  readonly threads?: number
}

/** By operand; element i of a list operand is called `operand.i`. */
export type Results = Readonly<Record<string, Values>>

export function contractOf(op: OperationName, operand: string): OperandContract {
  const contract = contracts[op].operands[operand]
  if (contract === undefined) throw new RangeError(`${op} has no operand ${operand}`)
  return contract
}

/** The element type that a compiled program gives to an operand. */
export function dtypeOf(executor: TestExecutor, op: OperationName, operand: string): DType {
  const { type } = contractOf(op, operand)
  if (type === 'bytes') return 'u8'
  if (type === 'integers') return 'i32'
  if (type === 'storage') return executor.types.storage
  if (type === 'weights' || type === 'coefficients') return executor.types.weights
  return ['sums', 'total', 'metrics', 'waitingMetrics'].includes(operand) ? executor.types.sums : executor.types.master
}

/** The layout that an operand has on a device; native/program/formats.cpp states the same rule. */
function layoutOf(types: TensorTypes, { type, plain }: OperandContract, shape: readonly number[]): Layout {
  if (plain || type === 'bytes' || type === 'integers') return 'plain'
  if (type === 'weights') return types.weightLayout
  return type === 'storage' && shape.length === 4 ? types.activationLayout : types.vectorLayout
}

/** Places tensors in persistent arenas, one after the other. */
class Tensors {
  readonly specs: TensorSpec[] = []
  readonly arenas: Record<string, number> = {}

  constructor(
    private readonly executor: TestExecutor,
    private readonly op: OperationName,
  ) {}

  add(operand: string, name: string, shape: readonly number[]): number {
    const contract = contractOf(this.op, operand)
    const { role, view } = contract
    const dtype = dtypeOf(this.executor, this.op, operand)
    const layout = layoutOf(this.executor.types, contract, shape)
    const bytes = storageBytes(dtype, layout, shape)
    const arena = view ? VIEW_ARENAS[operand]! : role === 'in' ? 'inputs' : role === 'out' ? 'outputs' : 'buffers'
    const offset = this.arenas[arena] ?? 0
    this.arenas[arena] = offset + align(bytes)
    return this.specs.push({ name, dtype, layout, shape, arena, offset, bytes }) - 1
  }
}

/** Views are the whole of an arena. */
const VIEW_ARENAS: Readonly<Record<string, ArenaName>> = {
  weights: 'parameters',
  copies: 'compute',
  gradients: 'gradients',
  weightGradients: 'weightGradients',
  velocity: 'velocity',
  firstMoment: 'firstMoment',
  secondMoment: 'secondMoment',
  averages: 'averages',
  statistics: 'buffers',
  averagedStatistics: 'averagedBuffers',
}

const isList = <T extends object>(value: T | readonly T[]): value is readonly T[] =>
  Array.isArray(value) && (value.length === 0 || typeof value[0] === 'object')

export function programSet(executor: TestExecutor, op: OperationName, operation: OperationCase): ProgramSet {
  const tensors = new Tensors(executor, op)
  const operands: Record<string, number | readonly number[]> = {}
  for (const [operand, value] of Object.entries(operation.inputs)) {
    operands[operand] = isList(value)
      ? value.map(({ shape }, index) => tensors.add(operand, `${operand}.${index}`, shape))
      : tensors.add(operand, operand, value.shape)
  }
  for (const [operand, shape] of Object.entries(operation.outputs)) {
    operands[operand] = isNested(shape) ? shape.map((one, index) => tensors.add(operand, `${operand}.${index}`, one)) : tensors.add(operand, operand, shape)
  }
  const convolution = op === 'conv' || op === 'conv_backward'
  const attributes = convolution && executor.precision === 'bf16-native' ? { ...operation.attributes, bf16Products: true } : operation.attributes
  return {
    format: 1,
    contracts: contractsVersion,
    network: op,
    device: executor.device,
    precision: executor.precision,
    arenas: tensors.arenas,
    tensors: tensors.specs,
    programs: {
      train: {
        name: 'train',
        batch: batchOf(operation),
        // Whatever a case says: what does not fit is for the verifier.
        operations: [{ op, name: op, fused: [op], phase: 'forward', operands, attributes } as unknown as OperationSpec],
      },
    },
  }
}

const isNested = (shape: readonly number[] | readonly (readonly number[])[]): shape is readonly (readonly number[])[] =>
  shape.length === 0 || Array.isArray(shape[0])

/** Images of a case: the first size of whatever it reads first. */
function batchOf({ inputs }: OperationCase): number {
  for (const value of Object.values(inputs)) {
    const first = isList(value) ? value[0] : value
    if (first !== undefined) return first.shape[0] ?? 1
  }
  return 1
}

/** Fills what is written with garbage first, what the layout adds too, runs once, and reads every output. Of several ranks what rank 0 gets, which all get. */
export async function runOperation(executor: TestExecutor, op: OperationName, operation: OperationCase, options: SessionOptions = {}): Promise<Results> {
  const { others } = operation
  if (others === undefined) return runAlone(executor, op, operation, options)
  const ranks = await nativeRanks(1 + others.length, { seed: 1 })
  const inputs = [operation.inputs, ...others]
  const all = await Promise.all(ranks.map((own, rank) => runAlone(executor, op, { ...operation, inputs: inputs[rank]! }, options, own)))
  await Promise.all(ranks.map((own) => own.leave()))
  const [first, ...rest] = all.map((results) => sharedBy(operation, results))
  for (const other of rest) {
    if (first!.some((part, index) => part.some((value, at) => !Object.is(other[index]![at], value)))) throw new Error(`${op}: ranks differ`)
  }
  return all[0]!
}

/** What is the same on all ranks: segments of gradients, and totals. */
function sharedBy({ attributes }: OperationCase, { gradients, total }: Results): Float64Array[] {
  const { offsets = [], lengths = [] } = attributes as { offsets?: readonly number[]; lengths?: readonly number[] }
  const segments = gradients === undefined ? [] : offsets.map((offset, index) => gradients.data.subarray(offset, offset + lengths[index]!))
  return total === undefined ? segments : [...segments, total.data]
}

async function runAlone(
  executor: TestExecutor,
  op: OperationName,
  operation: OperationCase,
  { threads = 1, ...emulation }: SessionOptions,
  ranks?: NativeRanks,
): Promise<Results> {
  const set = programSet(executor, op, operation)
  const open = (): Promise<NativeSession> => loadBinding().createSession(JSON.stringify(set), { threads, ...(ranks && { ranks }) })
  const session = await (executor.emulated ? emulated(emulation, open) : open())
  try {
    await session.allocate()
    for (const spec of set.tensors) {
      const operand = spec.name.replace(/\.\d+$/, '')
      const input = operation.inputs[operand]
      if (input === undefined) await write(session, spec, garbage(spec))
      else await write(session, spec, (isList(input) ? input[Number(spec.name.slice(operand.length + 1))]! : input).data)
    }
    const { seed = 0, index = 0, learningRate, images = 0 } = operation.step ?? {}
    const learningRates = learningRate === undefined ? new Float64Array() : Float64Array.of(learningRate)
    await session.run('train', { steps: 1, seed, firstStep: index, learningRates, images, poison: true })
    const results: Record<string, Values> = {}
    for (const spec of set.tensors) {
      if (contractOf(op, spec.name.replace(/\.\d+$/, '')).role === 'in') continue
      results[spec.name] = { shape: spec.shape, data: Float64Array.from(await session.read(spec.name)) }
    }
    return results
  } finally {
    await session.dispose()
  }
}

/** Whatever an operation fails to write must show. */
function garbage(spec: TensorSpec): Float64Array {
  return new Float64Array(spec.shape.reduce((product, size) => product * size, 1)).fill(spec.dtype === 'i32' ? -77 : NaN)
}

function write(session: NativeSession, spec: TensorSpec, data: Float64Array): Promise<void> {
  if (spec.dtype === 'i32') return session.write(spec.name, Int32Array.from(data))
  if (spec.dtype === 'u8') return session.write(spec.name, Uint8Array.from(data))
  return session.write(spec.name, data)
}
