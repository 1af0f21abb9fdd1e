import { invalid, number } from '../../options/values.js'

/** The least and the largest number that are drawn; ERR_OPTION where they do not lie between `least` and `most`, or are none. */
export function range(
  where: string,
  value: unknown,
  least: number,
  most: number,
  expected = 'the least and the largest, as [0.5, 1]',
): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) throw invalid(where, expected, value)
  const from = number(`${where}[0]`, value[0], least, most)
  return Object.freeze([from, number(`${where}[1]`, value[1], from, most)])
}
