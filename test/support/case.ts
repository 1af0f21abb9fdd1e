/** Leaves out operands that a case does not have. */
export function present<T>(operands: Readonly<Record<string, T | false | undefined>>): Record<string, T> {
  const result: Record<string, T> = {}
  for (const [key, value] of Object.entries(operands)) if (value !== undefined && value !== false) result[key] = value
  return result
}
