/** The executors that the operation tests judge. */
import type { OperationName } from '../../lib/compiler/contracts.js'
import { tensorTypes, type TensorTypes } from '../../lib/compiler/layout.js'
import type { DeviceName, Precision } from '../../lib/compiler/program.js'

export interface TestExecutor {
  readonly name: string
  readonly device: DeviceName
  readonly precision: Precision
  readonly types: TensorTypes
  /** Operations that this executor does not have; preparing one is ERR_UNSUPPORTED. */
  readonly without: ReadonlySet<OperationName>
}

function executor(device: DeviceName, precision: Precision, without: readonly OperationName[] = []): TestExecutor {
  return { name: `${device} ${precision}`, device, precision, types: tensorTypes(device, precision), without: new Set(without) }
}

export const reference = executor('reference', 'fp64')

/** Both halves of conv_backward are operations for devices that cannot share the recomputed activation between them. */
const notOnCpu: readonly OperationName[] = ['conv_backward_data', 'conv_backward_weights']

/** Judged by the reference. */
export const judged: readonly TestExecutor[] = (['fp32', 'bf16', 'bf16-native'] as const).map((precision) => executor('cpu', precision, notOnCpu))
