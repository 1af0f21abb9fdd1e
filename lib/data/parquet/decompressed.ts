/** Images that are compressed in their file, decompressed whenever one is read. */
import { unreadable } from '../../regular_file.js'
import { openLocal } from '../byte_file.js'
import type { Dataset, RangeSource } from '../dataset.js'
import type { Place } from './columns.js'
import { readStored, type StoredPage } from './pages.js'

/** Pages that are kept: whoever reads one image after another finds each page there. */
const keptPages = 24
const keptBytes = 1 << 27

/** The dataset with a function in place of its ranges. */
export function decompressed(dataset: Dataset, places: readonly Place[]): Dataset {
  const { files, file, offset } = dataset.source as RangeSource
  const pages = new Pages()
  const read = async (index: number): Promise<Uint8Array> => {
    const { offset: first, length, page } = places[index]!
    const path = files.at(file[index]!)!
    const bytes = page === undefined ? await readPlain(path, first, length) : (await pages.read(path, page)).subarray(first, first + length)
    return bytes
  }
  const index = Int32Array.from(places, (_, sample) => sample)
  return { ...dataset, source: { kind: 'custom', name: dataset.name, read, index, addresses: { files, file, offset }, reads: 8, timeout: 600 } }
}

async function readPlain(path: string, offset: number, length: number): Promise<Uint8Array> {
  await using file = await openLocal(path)
  return await file.read(offset, length)
}

/** The pages that were asked for last. */
class Pages {
  readonly #kept = new Map<string, { readonly bytes: Promise<Uint8Array>; readonly length: number }>()

  read(path: string, page: StoredPage): Promise<Uint8Array> {
    const key = `${page.offset} ${path}`
    const kept = this.#kept.get(key) ?? { bytes: readPage(path, page), length: page.length }
    // To the end of the order in which they leave.
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    kept.bytes.catch(() => this.#kept.delete(key))
    this.#drop()
    return kept.bytes
  }

  #drop(): void {
    let bytes = 0
    for (const { length } of this.#kept.values()) bytes += length
    for (const [key, { length }] of this.#kept) {
      if (this.#kept.size <= 1 || (this.#kept.size <= keptPages && bytes <= keptBytes)) return
      this.#kept.delete(key)
      bytes -= length
    }
  }
}

async function readPage(path: string, page: StoredPage): Promise<Uint8Array> {
  try {
    await using file = await openLocal(path)
    return await readStored(file, page)
  } catch (error) {
    throw unreadable(path, error)
  }
}
