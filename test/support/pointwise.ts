/** Code for operation `pointwise`, and what it means: registers as whole images, one instruction after the other. */
import { pointwiseOpcodes, type PointwiseOpcode } from '../../lib/contracts.js'
import { perChannel } from './judge.js'
import type { OperationCase, Results } from './operation.js'
import { dropoutFactor } from './philox.js'
import { at, dim, image, valuesOf, type Values } from './values.js'

export class Code {
  readonly code: number[] = []

  /** The register it writes. */
  put(opcode: PointwiseOpcode, a: number, b = 0): number {
    this.code.push(pointwiseOpcodes[opcode], a, b, 0)
    return this.code.length / 4 - 1
  }
  tensor(index: number, access = 1): number {
    return this.put('tensor', index, access)
  }
  /** scale * register + bias, vectors `scale` and `scale + 1`. */
  normalize(register: number, scale: number): number {
    return this.put('add', this.put('multiply', register, this.put('vector', scale)), this.put('vector', scale + 1))
  }
}

const nameOf = new Map<number, PointwiseOpcode>(Object.entries(pointwiseOpcodes).map(([name, opcode]) => [opcode, name as PointwiseOpcode]))

/** Every register. Those of `stored` take these values when they are read by sums, and only there. */
export function evaluate(operation: OperationCase): Values[] {
  const numbers = (attribute: string): readonly number[] => (operation.attributes[attribute] as readonly number[] | undefined) ?? []
  const domain = numbers('domain')
  const [N, C, H, W] = domain as [number, number, number, number]
  const tensors = operation.inputs['tensors'] as readonly Values[]
  const vectors = operation.inputs['vectors'] as readonly Values[]
  const { seed = 0, index: step = 0 } = operation.step ?? {}
  const code = numbers('code')
  const registers: Values[] = []
  for (let i = 0; i < code.length; i += 4) {
    const [opcode, a, b] = code.slice(i, i + 3) as [number, number, number]
    const unary = (apply: (value: number) => number): Values => valuesOf(domain, (position) => apply(registers[a]!.data[position]!))
    const binary = (apply: (left: number, right: number) => number): Values =>
      valuesOf(domain, (position) => apply(registers[a]!.data[position]!, registers[b]!.data[position]!))
    const instructions: Readonly<Record<PointwiseOpcode, () => Values>> = {
      tensor: () => (b > 0 ? image(domain, (n, c, h, w) => at(tensors[a]!, n, c, h * b, w * b)) : spread(tensors[a]!, domain, -b)),
      vector: () => image(domain, (n, c) => (c < dim(vectors[a]!, 1) ? perChannel(vectors[a], n, N, c, NaN) : 0)),
      constant: () => valuesOf(domain, () => numbers('constants')[a]!),
      add: () => binary((left, right) => left + right),
      multiply: () => binary((left, right) => left * right),
      relu: () => unary((value) => Math.max(value, 0)),
      positive: () => unary((value) => (value > 0 ? 1 : 0)),
      sigmoid: () => unary((value) => 0.5 + 0.5 * Math.tanh(value / 2)),
      dropout: () =>
        image(domain, (n, c, h, w) =>
          dropoutFactor(numbers('dropoutRates')[a]!, seed, step, numbers('dropoutKeys')[a]!, b === 1 ? n : ((n * C + c) * H + h) * W + w),
        ),
    }
    registers.push(instructions[nameOf.get(opcode)!]())
  }
  return registers
}

/** Puts position (h, w) of a tensor at (s h, s w) of an otherwise empty domain: the adjoint of subsampling. Channels that do not fit are dropped. */
function spread(tensor: Values, domain: readonly number[], s: number): Values {
  const [N, C, H, W] = domain as [number, number, number, number]
  const result = valuesOf(domain)
  for (let n = 0; n < N; n++)
    for (let c = 0; c < Math.min(C, dim(tensor, 1)); c++)
      for (let h = 0; h < dim(tensor, 2); h++)
        for (let w = 0; w < dim(tensor, 3); w++) result.data[((n * C + c) * H + h * s) * W + w * s] = at(tensor, n, c, h, w)
  return result
}

/** G x terms x C from registers. */
export function sumTerms(operation: OperationCase, registers: readonly Values[]): Values {
  const [N, C, H, W] = operation.attributes['domain'] as [number, number, number, number]
  const pairs = operation.attributes['sumTerms'] as readonly number[]
  const terms = pairs.length / 2
  const [groups] = operation.outputs['sums'] as [number]
  const sums = valuesOf([groups, terms, C])
  for (let term = 0; term < terms; term++) {
    const [value, factor] = [registers[pairs[term * 2]!]!, registers[pairs[term * 2 + 1]!]]
    value.data.forEach((one, position) => {
      const [n, c] = [Math.floor(position / (C * H * W)), Math.floor(position / (H * W)) % C]
      sums.data[(Math.floor((n * groups) / N) * terms + term) * C + c]! += one * (factor?.data[position] ?? 1)
    })
  }
  return sums
}

export function pointwiseStatement(operation: OperationCase): Results {
  const registers = evaluate(operation)
  const stores = (operation.attributes['stores'] as readonly number[] | undefined) ?? []
  const outputs = Object.fromEntries(stores.map((register, index) => [`outputs.${index}`, registers[register]!]))
  return 'sums' in operation.outputs ? { ...outputs, sums: sumTerms(operation, registers) } : outputs
}

/** The sums that follow from the outputs as they were stored. */
export function sumsOfStored(operation: OperationCase, actual: Results): Results {
  if (!('sums' in operation.outputs)) return {}
  const registers = evaluate(operation)
  const stores = (operation.attributes['stores'] as readonly number[] | undefined) ?? []
  stores.forEach((register, index) => (registers[register] = actual[`outputs.${index}`]!))
  return { sums: sumTerms(operation, registers) }
}
