/** The judgement of an operation: the reference by an independent statement of the contract, every other executor by the reference. */
import test from 'ava'
import type { OperationName } from '../../lib/compiler/contracts.js'
import { difference } from './compare.js'
import { judged, reference, type TestExecutor } from './executors.js'
import { runOperation, type OperationCase, type Results } from './operation.js'
import { roundedFor } from './rounding.js'
import { sumTolerance, toleranceOf } from './tolerances.js'
import { at, dim, valuesOf, type Values } from './values.js'

export interface NamedCase extends OperationCase {
  readonly name: string
}

export interface Judgement {
  readonly cases: readonly NamedCase[]
  /** The contract once more, in other words than the reference's. */
  readonly statement: (operation: OperationCase) => Results
  /**
   * Results that follow from other, rounded results of the same run (sums over stored values): compared with those and tightly, instead of
   * with the reference's.
   */
  readonly derived?: (operation: OperationCase, actual: Results) => Results
  /** The case as the reference should be asked, where the contract lets later parts of an operation use its own rounded results. */
  readonly asked?: (operation: OperationCase, actual: Results) => OperationCase
}

export function judge(op: OperationName, { cases, statement, derived, asked }: Judgement): void {
  test(`${op}: the reference keeps the contract`, async (t) => {
    for (const operation of cases) compareAll(t, op, reference, operation, await runOperation(reference, op, operation), statement(operation), {})
  })
  for (const executor of judged) {
    if (executor.without.has(op)) {
      test(`${op}: ${executor.name} refuses it`, async (t) => {
        await t.throwsAsync(runOperation(executor, op, cases[0]!), { code: 'ERR_UNSUPPORTED' })
      })
      continue
    }
    const [served, refused] = split(cases, (operation) =>
      [...Object.keys(operation.inputs), ...Object.keys(operation.outputs)].every((operand) => !executor.withoutOperands.has(`${op}.${operand}`)),
    )
    if (refused.length > 0) {
      test(`${op}: ${executor.name} refuses operands that it does not have`, async (t) => {
        for (const operation of refused) await t.throwsAsync(runOperation(executor, op, operation), { code: 'ERR_UNSUPPORTED' }, operation.name)
      })
    }
    test(`${op}: ${executor.name} agrees with the reference`, async (t) => {
      for (const operation of served) {
        const rounded = roundedFor(executor, op, operation)
        const actual = await runOperation(executor, op, rounded)
        const question = asked === undefined ? rounded : asked(rounded, actual)
        const expected = await runOperation(reference, op, { ...question, outputs: operation.outputs })
        compareAll(t, op, executor, operation, actual, expected, derived === undefined ? {} : derived(rounded, actual))
      }
    })
    test(`${op}: ${executor.name} gives the same bits with any number of threads`, async (t) => {
      for (const operation of served.slice(0, 6)) {
        const rounded = roundedFor(executor, op, operation)
        const alone = await runOperation(executor, op, rounded, 1)
        for (const threads of [2, 5]) t.deepEqual(await runOperation(executor, op, rounded, threads), alone, `${operation.name}: ${threads} threads`)
      }
    })
  }
}

function split<T>(list: readonly T[], keep: (item: T) => boolean): [T[], T[]] {
  return [list.filter(keep), list.filter((item) => !keep(item))]
}

interface Assertions {
  is(actual: unknown, expected: unknown, message?: string): boolean
}

function compareAll(
  t: Assertions,
  op: OperationName,
  executor: TestExecutor,
  operation: NamedCase,
  actual: Results,
  expected: Results,
  derived: Results,
): void {
  t.is(Object.keys(actual).sort().join(), Object.keys(expected).sort().join(), `${operation.name}: outputs`)
  for (const [operand, want] of Object.entries(expected)) {
    const exact = derived[operand]
    const tolerance = exact === undefined ? toleranceOf(executor, op, operand, operation.attributes) : sumTolerance(executor)
    t.is(difference(actual[operand]!, exact ?? want, tolerance), undefined, `${operation.name}: ${operand}`)
  }
}

/** sum of a, sum of a * b, per group of images and channel: G 2 C. */
export function sumsOf(a: Values, b: Values, groups: number): Values {
  const [N, C, H, W] = a.shape as [number, number, number, number]
  const sums = valuesOf([groups, 2, C])
  for (let n = 0; n < N; n++) {
    const group = Math.floor((n * groups) / N)
    for (let c = 0; c < C; c++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++) {
          sums.data[(group * 2 + 0) * C + c]! += at(a, n, c, h, w)
          sums.data[(group * 2 + 1) * C + c]! += at(a, n, c, h, w) * at(b, n, c, h, w)
        }
      }
    }
  }
  return sums
}

/** The value of a tensor operand; an error where the case has none. */
export function given(operation: OperationCase, operand: string): Values {
  const value = operation.inputs[operand]
  if (value === undefined || !('data' in value)) throw new RangeError(`no tensor ${operand}`)
  return value
}

export function maybe(operation: OperationCase, operand: string): Values | undefined {
  return operation.inputs[operand] === undefined ? undefined : given(operation, operand)
}

/** Value of a G x C operand for image n of N and channel c. */
export function perChannel(values: Values | undefined, n: number, images: number, c: number, absent: number): number {
  if (values === undefined) return absent
  const group = Math.floor((n * dim(values, 0)) / images)
  return values.data[group * dim(values, 1) + c]!
}

/** scale * x + bias of operand `x` of a case, before the ReLU. */
export function inner(operation: OperationCase, x: string, scale: string, bias: string): (n: number, c: number, h: number, w: number) => number {
  const values = given(operation, x)
  const images = dim(values, 0)
  return (n, c, h, w) => perChannel(maybe(operation, scale), n, images, c, 1) * at(values, n, c, h, w) + perChannel(maybe(operation, bias), n, images, c, 0)
}

export function number(operation: OperationCase, attribute: string, absent: number): number {
  return (operation.attributes[attribute] as number | undefined) ?? absent
}

export function flag(operation: OperationCase, attribute: string): boolean {
  return (operation.attributes[attribute] as boolean | undefined) ?? false
}
