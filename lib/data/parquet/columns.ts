/** The values of the two columns that a data set of images has. */
import { PreresnetError } from '../../errors.js'
import type { ByteFile } from '../byte_file.js'
import type { Column } from './footer.js'
import { expectAll, MalformedPage, readRuns } from './levels.js'
import { pagesOf, type Page, type StoredPage } from './pages.js'

/** Bytes of one value. */
export interface Place {
  /** Of the first, in the file, or in the page where that is given. */
  readonly offset: number
  readonly length: number
  /** They are there only when this is decompressed. */
  readonly page?: StoredPage
}

type Read<T> = (page: Page) => Promise<readonly T[]>

/** Of each row; all must be there. `read`: those that stand in a page one after another. ERR_FILE with the path and the page. */
async function valuesOf<T>(file: ByteFile, { chunks, level }: Column, what: string, read: Read<T>, signal: () => void): Promise<T[]> {
  const all: T[] = []
  for (const chunk of chunks) {
    let dictionary: readonly T[] | undefined
    for await (const page of pagesOf(file, chunk, level)) {
      signal()
      // Within the loop: what is thrown here is not thrown in the generator.
      try {
        if (page.kind === 'dictionary') dictionary = await read(page)
        else for (const value of await valuesIn(page, level, what, dictionary, read)) all.push(value)
      } catch (error) {
        if (!(error instanceof MalformedPage)) throw error
        throw new PreresnetError('ERR_FILE', `${file.path}: the page at byte ${page.stored.offset}: ${error.message}`)
      }
    }
  }
  return all
}

async function valuesIn<T>(page: Page, level: number, what: string, dictionary: readonly T[] | undefined, read: Read<T>): Promise<readonly T[]> {
  if (level > 0) expectAll(page.levels, level, page.values, what)
  if (page.encoding === 'PLAIN') return read(page)
  if (dictionary === undefined) throw new MalformedPage('expected a dictionary before it, got none')
  const bytes = await page.read(0, page.size)
  if (bytes.length === 0) throw new MalformedPage('expected numbers of a dictionary, got none')
  const found: T[] = []
  readRuns(bytes.subarray(1), bytes[0]!, page.values, (number, times) => {
    const value = dictionary[number]
    if (value === undefined) throw new MalformedPage(`expected numbers of a dictionary below ${dictionary.length}, got ${number}`)
    for (let index = 0; index < times; index++) found.push(value)
  })
  return found
}

/** Of a column of bytes. */
export function placesOf(file: ByteFile, column: Column, signal: () => void): Promise<Place[]> {
  return valuesOf(file, column, 'an image', placesIn, signal)
}

async function placesIn(page: Page): Promise<readonly Place[]> {
  const places: Place[] = []
  for (let value = 0, position = 0; value < page.values; value++) {
    const end = position + 4
    const length = end > page.size ? NaN : littleEndian(await page.read(position, 4))
    if (!(end + length <= page.size)) throw new MalformedPage(`expected value ${value} within the page, got the end`)
    const offset = page.place(end, length)
    places.push(offset === undefined ? { offset: page.begin + end, length, page: page.stored } : { offset, length })
    position = end + length
  }
  return places
}

function littleEndian(bytes: Uint8Array): number {
  return bytes[0]! + bytes[1]! * 2 ** 8 + bytes[2]! * 2 ** 16 + bytes[3]! * 2 ** 24
}

/** Of a column of whole numbers. */
export function numbersOf(file: ByteFile, column: Column, signal: () => void): Promise<number[]> {
  const bytes = { INT32: 4, INT64: 8 }[column.type]
  if (bytes === undefined) throw new PreresnetError('ERR_DATASET', `${file.path}: expected a column of whole numbers for the classes, got ${column.type}`)
  const read = async (page: Page): Promise<readonly number[]> => {
    if (page.values * bytes > page.size) throw new MalformedPage(`expected ${page.values} numbers of ${bytes} bytes, got ${page.size} bytes`)
    const { buffer, byteOffset } = await page.read(0, page.values * bytes)
    const view = new DataView(buffer, byteOffset)
    return Array.from({ length: page.values }, (_, index) => (bytes === 4 ? view.getInt32(4 * index, true) : Number(view.getBigInt64(8 * index, true))))
  }
  return valuesOf(file, column, 'a class', read, signal)
}
