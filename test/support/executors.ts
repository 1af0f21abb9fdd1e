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
  /** Operands of other operations, `operation.operand`, that it does not have; likewise. */
  readonly withoutOperands: ReadonlySet<string>
}

function executor(device: DeviceName, precision: Precision, without: readonly OperationName[] = [], withoutOperands: readonly string[] = []): TestExecutor {
  return {
    name: `${device} ${precision}`,
    device,
    precision,
    types: tensorTypes(device, precision),
    without: new Set(without),
    withoutOperands: new Set(withoutOperands),
  }
}

export const reference = executor('reference', 'fp64')

/** Launches of a GPU: the CPU does their work within conv and conv_backward, and computes with the weights as they are. */
const notOnCpu: readonly OperationName[] = [
  'conv_backward_data',
  'conv_backward_norm',
  'conv_backward_weights',
  'bn_relu',
  'residual_add',
  'relu_backward',
  'compute_weights',
  'check_gradients',
]
const operandsNotOnCpu = ['bn_finalize.scaleStored', 'softmax_cross_entropy.scaler', 'sgd.weightGradients', 'sgd.copies', 'sgd.scaler']

/** Judged by the reference. */
export const judged: readonly TestExecutor[] = [executor('cpu', 'fp32', notOnCpu, operandsNotOnCpu), executor('cpu', 'bf16', notOnCpu, operandsNotOnCpu)]
