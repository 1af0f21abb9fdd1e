/**
 * Tests over a matrix of cases. `npm test` runs some of them; the rest is for the thorough tests, which have the same titles
 * in a file NAME.thorough.ts.
 */
export interface Matrix<T> {
  readonly quick: readonly T[]
  readonly thorough: readonly T[]
}

export function matrix<T>(cases: readonly T[], isQuick: (each: T) => boolean): Matrix<T> {
  return { quick: cases.filter(isQuick), thorough: cases.filter((each) => !isQuick(each)) }
}
