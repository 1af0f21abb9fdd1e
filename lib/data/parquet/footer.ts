/** What a Parquet file says at its end: its columns, where their parts lie, and what Hugging Face's datasets wrote beside them. */
import { parquetMetadata, type ColumnMetaData, type FileMetaData } from 'hyparquet'
import { PreresnetError } from '../../errors.js'
import { reasonOf } from '../../regular_file.js'
import type { ByteFile } from '../byte_file.js'
import { readThrift } from './thrift.js'

/** A part of a column: of one group of rows. */
export interface Chunk {
  /** Of its first page, in the file. */
  readonly begin: number
  readonly end: number
  readonly values: number
  /** UNCOMPRESSED, SNAPPY, ... */
  readonly codec: string
}

export interface Column {
  /** As Parquet has it: BYTE_ARRAY, INT64, ... */
  readonly type: string
  /** How many of the names in its path may be missing: the level at which a value is there. */
  readonly level: number
  /** One for each group of rows. */
  readonly chunks: readonly Chunk[]
}

export interface Footer {
  readonly rows: number
  /** By their paths, with dots between the names; those in lists are left out. */
  readonly columns: ReadonlyMap<string, Column>
  /** Texts that the writer left. */
  readonly texts: ReadonlyMap<string, string>
}

/** The magic, and the length of the metadata before it. */
const tailBytes = 8
/** Mostly it is all of the metadata. */
const firstBytes = 1 << 16
/** Of the metadata, as of a file with a million groups of rows. */
const mostBytes = 1 << 28
/** Of a row in the file, which has an image: else there are none so many. */
const leastRowBytes = 8

/** ERR_FILE for what is no Parquet file, or not a whole one. */
export async function readFooter(file: ByteFile): Promise<Footer> {
  const { path, size } = file
  const fail = (reason: string): PreresnetError => new PreresnetError('ERR_FILE', `${path}: ${reason}`)
  if (size < 2 * tailBytes) throw fail(`expected a Parquet file, got ${size} bytes`)
  const first = Math.min(firstBytes, size)
  let end = Buffer.from(await file.read(size - first, first))
  const magic = end.toString('latin1', first - 4)
  if (magic === 'PARE') throw fail('the Parquet file is encrypted, which is not read')
  if (magic !== 'PAR1') throw fail('expected a Parquet file, which ends with PAR1, got other bytes; was it cut off?')
  const length = end.readUInt32LE(first - tailBytes)
  if (length > size - tailBytes || length > mostBytes) throw fail(`expected metadata within the file, got a length of ${length} bytes`)
  if (length + tailBytes > first) end = Buffer.from(await file.read(size - length - tailBytes, length + tailBytes))
  try {
    const footer = end.subarray(end.length - length - tailBytes)
    // hyparquet believes what numbers of entries and of bytes it is told.
    readThrift(footer.subarray(0, length))
    return footerOf(parquetMetadata(footer, { geoparquet: false }), size)
  } catch (error) {
    const reason = error instanceof Malformed ? `: ${reasonOf(error)}` : ''
    throw fail(`the metadata at its end are malformed${reason}`)
  }
}

class Malformed extends Error {}

/** A name may hold anything, and an error is one line. */
const shown = (name: string): string => JSON.stringify(name.slice(0, 100))

function whole(what: string, value: unknown, most: number): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 && number <= most) return number
  throw new Malformed(`expected ${what} from 0 to ${most}, got ${String(number).slice(0, 30)}`)
}

function footerOf({ schema, num_rows, row_groups, key_value_metadata = [] }: FileMetaData, size: number): Footer {
  const rows = whole('a number of rows', num_rows, Math.floor(size / leastRowBytes))
  const groups = row_groups.map((group) => whole('a number of rows of a group', group.num_rows, rows))
  const sum = groups.reduce((total, count) => total + count, 0)
  if (sum !== rows) throw new Malformed(`expected groups of ${rows} rows, got ${sum}`)
  const columns = new Map<string, Column>()
  for (const [index, { name, type, level }] of leaves(schema).entries()) {
    if (name === undefined) continue
    const chunks = row_groups.map((group) => chunkOf(group.columns[index]?.meta_data, { name, type, size, file: group.columns[index]?.file_path }))
    columns.set(name, { type, level, chunks })
  }
  return { rows, columns, texts: new Map(key_value_metadata.map(({ key, value }) => [key, value ?? ''])) }
}

interface Leaf {
  /** Undefined within a list. */
  readonly name: string | undefined
  readonly type: string
  readonly level: number
}

/** The schema is a tree whose nodes say how many of those behind them are theirs. */
function leaves(schema: FileMetaData['schema']): readonly Leaf[] {
  const found: Leaf[] = []
  let next = 1
  const walk = (count: number, path: readonly string[], level: number, repeated: boolean): void => {
    for (let child = 0; child < count; child++) {
      const node = schema[next++]
      if (node === undefined || path.length > 16) throw new Malformed('expected a tree of columns')
      const names = [...path, node.name]
      const inList = repeated || node.repetition_type === 'REPEATED'
      const own = level + (node.repetition_type === 'OPTIONAL' ? 1 : 0)
      if (node.type !== undefined) found.push({ name: inList ? undefined : names.join('.'), type: node.type, level: own })
      else walk(whole('a number of columns', node.num_children ?? 0, schema.length), names, own, inList)
    }
  }
  walk(whole('a number of columns', schema[0]?.num_children, schema.length), [], 0, false)
  return found
}

interface Expected {
  readonly name: string
  readonly type: string
  readonly size: number
  readonly file: string | undefined
}

function chunkOf(chunk: ColumnMetaData | undefined, { name, type, size, file }: Expected): Chunk {
  if (file !== undefined && file !== '') throw new Malformed(`expected the column ${shown(name)} in this file, got ${JSON.stringify(file.slice(0, 100))}`)
  if (chunk === undefined || chunk.path_in_schema.join('.') !== name || chunk.type !== type)
    throw new Malformed(`expected the column ${shown(name)} in each group of rows`)
  const data = whole('the first byte of a page', chunk.data_page_offset, size)
  // Some writers say 0 where there is no dictionary.
  const dictionary = whole('the first byte of a page', chunk.dictionary_page_offset ?? 0, size)
  const begin = dictionary > 0 ? Math.min(dictionary, data) : data
  const bytes = whole('a number of bytes', chunk.total_compressed_size, size - begin)
  return { begin, end: begin + bytes, values: whole('a number of values', chunk.num_values, size), codec: chunk.codec }
}
