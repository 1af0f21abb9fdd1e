/** Sums by a balanced binary tree, written once more in another way than native/core/tree.h: pair by pair, until one is left. */
export function treeSum(values: readonly ArrayLike<number>[], rounded: (value: number) => number): Float64Array {
  let row = values.map((value) => Float64Array.from(value))
  while (row.length > 1) {
    const pairs = []
    for (let index = 0; index < row.length; index += 2) {
      const [left, right] = [row[index]!, row[index + 1]]
      pairs.push(right === undefined ? left : left.map((value, at) => rounded(value + right[at]!)))
    }
    row = pairs
  }
  return row[0]!
}
