type Factors = Readonly<Record<string, readonly unknown[]>>
type Choice<F extends Factors> = { readonly [K in keyof F]: F[K][number] }

/** Few combinations in which every pair of options of two factors meets (greedy, the same every time). */
export function pairwise<const F extends Factors>(factors: F): Choice<F>[] {
  const names = Object.keys(factors)
  const size = (factor: number): number => factors[names[factor]!]!.length
  const key = (a: number, i: number, b: number, j: number): string => (a < b ? `${a}.${i} ${b}.${j}` : `${b}.${j} ${a}.${i}`)
  const open = new Map<string, readonly [number, number, number, number]>()
  for (let a = 0; a < names.length; a++)
    for (let b = a + 1; b < names.length; b++) for (let i = 0; i < size(a); i++) for (let j = 0; j < size(b); j++) open.set(key(a, i, b, j), [a, i, b, j])

  const rows: Choice<F>[] = []
  while (open.size > 0) {
    const [first] = open.values()
    const [a, i, b, j] = first!
    const row = new Map([
      [a, i],
      [b, j],
    ])
    for (let factor = 0; factor < names.length; factor++) {
      if (row.has(factor)) continue
      const gain = (option: number): number => [...row].filter(([other, chosen]) => open.has(key(factor, option, other, chosen))).length
      let best = rows.length % size(factor)
      for (let option = 0; option < size(factor); option++) if (gain(option) > gain(best)) best = option
      row.set(factor, best)
    }
    for (const [x, p] of row) for (const [y, q] of row) if (x < y) open.delete(key(x, p, y, q))
    rows.push(Object.fromEntries(names.map((name, factor) => [name, factors[name]![row.get(factor)!]])) as Choice<F>)
  }
  return rows
}
