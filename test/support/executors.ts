/** The executors that the operation tests judge. */
import test from 'ava'
import type { OperationName } from '../../lib/contracts.js'
import { tensorTypes, type TensorTypes } from '../../lib/compiler/layout.js'
import type { DeviceName, Precision } from '../../lib/compiler/program.js'
import { factorsOnCuda, refusalsOnCuda, waysOnCuda } from './cuda.js'
import type { TestDevice } from './on_device.js'
import type { OperationCase, SessionOptions } from './operation.js'

/** Attributes on top of a case's own, for an executor that has several ways to do the same. */
export type Way = Readonly<Record<string, number>>

export interface TestExecutor {
  readonly name: string
  readonly device: DeviceName
  /** Whether device `cuda` is the emulated one. */
  readonly emulated: boolean
  readonly precision: Precision
  readonly types: TensorTypes
  /** How it can run a case, and how not: preparing it is ERR_UNSUPPORTED. */
  readonly ways: (op: OperationName, operation: OperationCase) => readonly Way[]
  readonly refusals: (op: OperationName, operation: OperationCase) => readonly Way[]
  /** A case with the factors that its convolutions multiply in the end, where it rounds them first. */
  readonly factors: (op: OperationName, operation: OperationCase) => OperationCase
  /** Runs that must give the same bits. */
  readonly repetitions: readonly SessionOptions[]
}

type Abilities = Pick<TestExecutor, 'ways' | 'refusals' | 'factors' | 'repetitions'>

function executor(named: TestDevice, precision: Precision, abilities: Abilities): TestExecutor {
  const emulated = named === 'cuda-emulated'
  const device = emulated ? 'cuda' : named
  return { name: `${named} ${precision}`, device, emulated, precision, types: tensorTypes(device, precision), ...abilities }
}

const always: readonly Way[] = [{}]
const never: readonly Way[] = []
const asTheyAre: TestExecutor['factors'] = (_, operation) => operation

export const reference = executor('reference', 'fp64', { ways: () => always, refusals: () => never, factors: asTheyAre, repetitions: [{}] })

/** Launches of a GPU: the CPU does their work within conv and conv_backward, and computes with the weights as they are. */
const notOnCpu: ReadonlySet<OperationName> = new Set<OperationName>([
  'conv_backward_data',
  'conv_backward_norm',
  'conv_backward_weights',
  'bn_relu',
  'residual_add',
  'relu_backward',
  'compute_weights',
  'check_gradients',
])
const operandsNotOnCpu = new Set([
  'bn_finalize.scaleStored',
  'softmax_cross_entropy.scaler',
  'binary_cross_entropy.scaler',
  'ema.scaler',
  ...['sgd', 'adamw', 'lamb', 'lars'].flatMap((op) => [`${op}.weightGradients`, `${op}.copies`, `${op}.scaler`]),
])

const waysOnCpu: TestExecutor['ways'] = (op, operation) => {
  const operands = [...Object.keys(operation.inputs), ...Object.keys(operation.outputs)]
  return notOnCpu.has(op) || operands.some((operand) => operandsNotOnCpu.has(`${op}.${operand}`)) ? never : always
}

/** What has no way at all. */
const otherwise =
  (ways: TestExecutor['ways']): TestExecutor['ways'] =>
  (op, operation) =>
    ways(op, operation).length === 0 ? always : never

/** Any number of threads. */
const onCpu = (precision: Precision): TestExecutor =>
  executor('cpu', precision, {
    ways: waysOnCpu,
    refusals: otherwise(waysOnCpu),
    factors: asTheyAre,
    repetitions: [{ threads: 1 }, { threads: 2 }, { threads: 5 }],
  })

const cuda = (device: 'cuda' | 'cuda-emulated', precision: Precision, repetitions: readonly SessionOptions[]): TestExecutor => {
  const types = tensorTypes('cuda', precision)
  const ways = waysOnCuda(types)
  // A GPU may have more than is known of all of them.
  const refusals = device === 'cuda' ? otherwise(ways) : refusalsOnCuda(types)
  return executor(device, precision, { ways, refusals, factors: factorsOnCuda(types, precision), repetitions })
}
/** Any order of blocks, threads and streams that the device may choose. */
const emulated = (precision: Precision): TestExecutor => cuda('cuda-emulated', precision, [{ scheduleSeed: 1 }, { scheduleSeed: 2 }, { scheduleSeed: 3 }])
const onGpu = (precision: Precision): TestExecutor => cuda('cuda', precision, [{}, {}, {}])

const cudaPrecisions: readonly Precision[] = ['fp32', 'tf32', 'bf16', 'fp16']

/** A machine with a GPU judges that instead of its emulation. */
const withGpu = process.env['PRERESNET_TEST_DEVICE'] === 'cuda'

/** Each device in the precision of which most code is its own; the others are for ops/precisions.thorough.ts. */
const QUICK: ReadonlySet<string> = new Set(['cpu fp32', 'cuda-emulated fp16'])

/** Whether this file judges the executors that `npm test` leaves out, and nothing that stands on its own. */
export const judgesTheRest = test.meta.file.endsWith('/precisions.thorough.js')

/** Nothing is left out of thorough tests, nor where each test runs alone: on a GPU and against faults. */
const isWhole = withGpu || process.env['PRERESNET_TEST_PRECISIONS'] === 'all' || test.meta.file.endsWith('.thorough.js')

const inThisFile = ({ name }: TestExecutor): boolean => (isWhole && !judgesTheRest) || QUICK.has(name) !== judgesTheRest

export const onHost = [onCpu('fp32'), onCpu('bf16'), onCpu('bf16-native')].filter(inThisFile)

/** Judged by the reference. */
export const judged = [...onHost, ...cudaPrecisions.map(withGpu ? onGpu : emulated).filter(inThisFile)]

/** Those of tests that need no judge. */
export const everyone = judgesTheRest ? judged : [reference, ...judged]
