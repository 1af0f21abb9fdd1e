// Faults of the readers of Parquet files.

export const parquetFaults = [
  {
    name: 'bytes of a literal of Snappy are a byte further on',
    file: 'lib/data/parquet/compression.ts',
    search: 'return this.#stored[this.#at]! + position - begin',
    replace: 'return this.#stored[this.#at]! + position - begin + 1',
    tests: ['data/parquet'],
  },
  {
    name: 'an image in several literals of Snappy is read as one',
    file: 'lib/data/parquet/compression.ts',
    search: 'position + length > begin + this.#length[this.#at]!) return undefined',
    replace: 'position + length < begin) return undefined',
    tests: ['data/parquet'],
  },
  {
    name: 'rows without an image are passed over',
    file: 'lib/data/parquet/columns.ts',
    search: 'if (level > 0) expectAll(page.levels, level, page.values, what)',
    replace: 'if (level > 9) expectAll(page.levels, level, page.values, what)',
    tests: ['data/parquet'],
  },
  {
    name: 'a file of Parquet that has other classes than the first',
    file: 'lib/data/parquet/dataset.ts',
    search: 'for (const part of parts) checkClasses(part.shard.name, part.names ?? [], name, names ?? [])',
    replace: '',
    tests: ['data/parquet'],
  },
]
