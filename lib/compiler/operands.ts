/**
 * Operands of operations of any kind, for code that means the same for all of them; it takes their names from the table of contracts. Code that
 * means one kind narrows by `op` and names the operands itself.
 */
import { contracts, type OperationName, type Operands } from '../contracts.js'

export type Role = 'in' | 'out' | 'inout'

/** What the operands of every operation are; T stands for a tensor. */
type AnyOperands<T> = Readonly<Record<string, T | readonly T[] | undefined>>

/** The tensors of one operand: none where it is absent, several of a list. */
export function tensorsAt<T extends object | number>(operands: AnyOperands<T>, name: string): readonly T[] {
  const operand = operands[name]
  return operand === undefined ? [] : isList(operand) ? operand : [operand]
}

/** Every tensor that an operation touches. */
export function tensorsIn<T extends object | number>(operands: AnyOperands<T>): T[] {
  return Object.keys(operands).flatMap((name) => tensorsAt(operands, name))
}

export function tensorsWithRoles<T extends object | number>(op: OperationName, operands: AnyOperands<T>): (readonly [tensor: T, role: Role])[] {
  return Object.keys(operands).flatMap((name) => tensorsAt(operands, name).map((tensor) => [tensor, roleOf(op, name)] as const))
}

/** The same operands with something else for every tensor; absent ones are left out. */
export function mapOperands<K extends OperationName, T extends object | number, U>(
  op: K,
  operands: Operands<T>[K],
  one: (tensor: T, role: Role) => U,
): Operands<U>[K] {
  const all: AnyOperands<T> = operands
  const mapped = Object.entries(all).flatMap(([name, operand]) => {
    if (operand === undefined) return []
    const role = roleOf(op, name)
    return [[name, isList(operand) ? operand.map((tensor) => one(tensor, role)) : one(operand, role)] as const]
  })
  // The keys are those of `operands`, and lists stay lists: a mapped type could say so, an object made of entries cannot.
  // eslint-disable-next-line no-restricted-syntax
  return Object.fromEntries(mapped) as Operands<U>[K]
}

function roleOf(op: OperationName, name: string): Role {
  return contracts[op].operands[name]?.role ?? 'in'
}

function isList<T extends object | number>(operand: T | readonly T[]): operand is readonly T[] {
  return Array.isArray(operand)
}
