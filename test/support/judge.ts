/** The judgment of an operation: the reference by an independent statement of the contract, every other executor by the reference. */
import test from 'ava'
import type { OperationName } from '../../lib/contracts.js'
import { bitsDiffer, difference } from './compare.js'
import { judged, judgesTheRest, reference, type TestExecutor, type Way } from './executors.js'
import { runOperation, type OperationCase, type Results } from './operation.js'
import { roundedFor } from './rounding.js'
import { isFused, sumTolerance, toleranceOf } from './tolerances.js'
import { perChannel } from './per_channel.js'
import { at, dim, valuesOf, type Values } from './values.js'

export { perChannel }

export interface NamedCase extends OperationCase {
  readonly name: string
  /** Run in every order and with any number of threads, whatever its place: the first six of a list always are. */
  readonly repeated?: boolean
}

export interface Judgment {
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

export function judge(op: OperationName, judgment: Judgment): void {
  const { cases, statement } = judgment
  if (!judgesTheRest) {
    test(`${op}: the reference keeps the contract`, async (t) => {
      for (const operation of cases) compareAll(t, op, reference, operation, await runOperation(reference, op, operation), statement(operation), {})
    })
  }
  for (const executor of judged) judgeExecutor(executor, op, judgment)
}

function judgeExecutor(executor: TestExecutor, op: OperationName, { cases, derived, asked }: Judgment): void {
  const refused = cases.flatMap((operation) => executor.refusals(op, operation).map((way) => inWay(operation, way)))
  const served = cases.flatMap((operation) => executor.ways(op, operation).map((way) => inWay(operation, way)))
  if (refused.length > 0) {
    test(`${op}: ${executor.name} refuses what it does not have`, async (t) => {
      for (const operation of refused) await t.throwsAsync(runOperation(executor, op, operation), { code: 'ERR_UNSUPPORTED' }, operation.name)
    })
  }
  if (served.length === 0) return
  test(`${op}: ${executor.name} agrees with the reference`, async (t) => {
    for (const operation of served) {
      const rounded = roundedFor(executor, op, operation)
      const actual = await runOperation(executor, op, rounded)
      const question = asked === undefined ? executor.factors(op, rounded) : asked(rounded, actual)
      const expected = { ...(await runOperation(reference, op, { ...question, outputs: operation.outputs })) }
      // No product, so its terms are not rounded as factors are.
      if (asked === undefined && question !== rounded && 'dbias' in expected) expected['dbias'] = (await runOperation(reference, op, rounded))['dbias']!
      // Fused convolutions take their sums before they round.
      const exact = derived === undefined || isFused(operation) ? {} : derived(rounded, actual)
      compareAll(t, op, executor, operation, actual, expected, exact)
    }
  })
  test(`${op}: ${executor.name} gives the same bits ${executor.device === 'cpu' ? 'with any number of threads' : 'in every order'}`, async (t) => {
    for (const operation of served.filter(({ repeated }, index) => repeated === true || index < 6)) {
      const rounded = roundedFor(executor, op, operation)
      const results = []
      for (const options of executor.repetitions) results.push(await runOperation(executor, op, rounded, options))
      for (const result of results.slice(1)) t.is(bitsDiffer(result, results[0]), undefined, operation.name)
    }
  })
}

function inWay(operation: NamedCase, way: Way): NamedCase {
  const added = Object.entries(way).map(([attribute, value]) => `, ${attribute} ${value}`)
  return { ...operation, name: operation.name + added.join(''), attributes: { ...operation.attributes, ...way } }
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
    const tolerance = exact === undefined ? toleranceOf(executor, op, operand, operation) : sumTolerance(executor)
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

/** Of y as it is stored, where a case wants them. */
export function sumsOfY(operation: OperationCase, { y }: Results): Results {
  const sums = operation.outputs['sums'] as readonly number[] | undefined
  return sums === undefined ? {} : { sums: sumsOf(y!, y!, sums[0]!) }
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
