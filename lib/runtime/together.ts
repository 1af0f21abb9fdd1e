/** Several tensors of a session between the same two calls: nothing gets in between. */
import { setImmediate } from 'node:timers/promises'
import { checkValues, readNow, writeOwnNow, type Tensor, type Values } from './tensor.js'
import type { Turn } from './turn.js'

export function readAll(turn: Turn, tensors: readonly Tensor[]): Promise<Values[]> {
  return turn.take(async (native) => {
    const values: Values[] = []
    for (const tensor of tensors) values.push(await readNow(native, tensor))
    return values
  })
}

/** Writes all of them, or none if one does not take its values. Nobody may change or transfer the values before the promise is settled. */
export async function writeAll(turn: Turn, values: ReadonlyMap<Tensor, Values>): Promise<void> {
  for (const [tensor, given] of values) {
    checkValues(tensor, given)
    await setImmediate()
  }
  await turn.take(async (native) => {
    for (const [tensor, given] of values) await writeOwnNow(native, tensor, given)
  })
}
