/** Expressions to the register code of operation `pointwise`. */
import { PreresnetError } from '../errors.js'
import { pointwiseOpcodes as OPCODES } from '../contracts.js'
import type { Draft, DraftOperation, DraftTensor } from './draft.js'
import type { Expression } from './expression.js'

/** Collects one `pointwise` operation: several expressions over one domain share registers. */
export class PointwiseCode {
  private readonly code: number[] = []
  private readonly registers = new Map<string, number>()
  private readonly tensors: DraftTensor[] = []
  private readonly vectors: DraftTensor[] = []
  private readonly constants: number[] = []
  private readonly rates: number[] = []
  private readonly keys: number[] = []

  register(expression: Expression): number {
    const key = `e${expression.id}`
    const known = this.registers.get(key)
    if (known !== undefined) return known
    const register = this.compute(expression)
    this.registers.set(key, register)
    return register
  }

  private compute(expression: Expression): number {
    switch (expression.kind) {
      case 'tensor':
        return this.put(OPCODES.tensor, indexOf(this.tensors, expression.tensor), expression.access)
      case 'constant':
        this.constants.push(expression.value)
        return this.put(OPCODES.constant, this.constants.length - 1)
      case 'normalize':
        return this.put(OPCODES.add, this.put(OPCODES.multiply, this.register(expression.x), this.vector(expression.scale)), this.vector(expression.bias))
      case 'normBackward': {
        const d = this.put(OPCODES.multiply, this.register(expression.d), this.vector(expression.a))
        const x = this.put(OPCODES.multiply, this.register(expression.x), this.vector(expression.b))
        return this.put(OPCODES.add, this.put(OPCODES.add, d, x), this.vector(expression.c))
      }
      case 'add':
      case 'multiply':
        return this.put(OPCODES[expression.kind], this.register(expression.left), this.register(expression.right))
      case 'relu':
      case 'positive':
      case 'sigmoid':
        return this.put(OPCODES[expression.kind], this.register(expression.value))
      case 'dropoutMask':
        this.rates.push(expression.rate)
        this.keys.push(expression.stream)
        return this.put(OPCODES.dropout, this.rates.length - 1, expression.perImage ? 1 : 0)
    }
  }

  private vector(tensor: DraftTensor): number {
    const index = indexOf(this.vectors, tensor)
    const key = `v${index}`
    let register = this.registers.get(key)
    if (register === undefined) this.registers.set(key, (register = this.put(OPCODES.vector, index)))
    return register
  }

  private put(opcode: number, a: number, b = 0, c = 0): number {
    this.code.push(opcode, a, b, c)
    return this.code.length / 4 - 1
  }

  /** Of registers that are stored, the tensors for them; two registers (or a register and -1) for each row of sums. */
  emit(
    draft: Draft,
    name: string,
    fused: readonly string[],
    domain: Expression,
    stores: readonly (readonly [register: number, output: DraftTensor])[],
    sumTerms: readonly number[],
  ): DraftOperation<'pointwise'> {
    const attributes = {
      code: this.code,
      constants: this.constants,
      stores: stores.map(([register]) => register),
      sumTerms: [...sumTerms],
      dropoutRates: this.rates,
      dropoutKeys: this.keys,
      domain: [draft.batch, domain.channels, domain.height, domain.width],
    }
    return draft.emit('pointwise', name, fused, { tensors: this.tensors, vectors: this.vectors, outputs: stores.map(([, output]) => output) }, attributes)
  }
}

/** Sums of what an operation stores first, and of its products with `factor`, which may be a further read: the arrays are the operation's own. */
export function appendSums({ operands, attributes }: DraftOperation<'pointwise'>, factor: DraftTensor): void {
  const { code, stores, sumTerms } = attributes
  const stored = stores?.[0]
  if (stored === undefined || sumTerms === undefined) throw new PreresnetError('ERR_INTERNAL', 'pointwise: expected something stored to be summed')
  let times = stored
  if (factor !== operands.outputs[0]) {
    code.push(OPCODES.tensor, indexOf(operands.tensors, factor), 1, 0)
    times = code.length / 4 - 1
  }
  sumTerms.push(stored, -1, stored, times)
}

function indexOf(list: DraftTensor[], tensor: DraftTensor): number {
  const index = list.indexOf(tensor)
  return index >= 0 ? index : list.push(tensor) - 1
}
