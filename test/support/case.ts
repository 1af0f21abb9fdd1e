/** What cases of several operations have in common. */
import type { Random } from './random.js'
import type { Values } from './values.js'

/** Leaves out operands that a case does not have. */
export function present<T>(operands: Readonly<Record<string, T | false | undefined>>): Record<string, T> {
  const result: Record<string, T> = {}
  for (const [key, value] of Object.entries(operands)) if (value !== undefined && value !== false) result[key] = value
  return result
}

/** For operations that take every position by itself: sizes, and channels that fill no vector. */
export const positions = {
  images: [3, 1, 11],
  groups: [1, 3],
  channels: [17, 1, 3, 12, 16, 40],
  size: [
    [5, 7],
    [1, 1],
    [9, 9],
  ],
} as const

/** Scale and bias of a norm, where there is one. */
export function normOf(random: Random, normalized: boolean, groups: number, channels: number): { scale: Values | false; bias: Values | false } {
  return { scale: normalized && random.scales([groups, channels]), bias: normalized && random.normals([groups, channels], 0.5) }
}
