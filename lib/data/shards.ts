/** Data sets in a few large files: what a first opening finds in them is remembered while they stay as they are. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { mapLimited } from '../limited.js'
import { bytesOfName, isUtf8Name } from '../name_bytes.js'
import { invalid, string } from '../options/values.js'
import { expandBraces } from './braces.js'
import type { Dataset } from './dataset.js'
import { remembered, type IndexCache } from './remembered_index.js'
import { readSealedIndex, writeIndex, type SampleIndex } from './sample_index.js'

/** Paths that callers gave, one or several; braces stand for several. */
export function shardPaths(where: string, paths: string | readonly string[]): readonly string[] {
  const list = typeof paths === 'string' ? [paths] : paths
  if (!Array.isArray(list) || list.length === 0) throw invalid(where, 'a path, or a list of paths', paths)
  return list.flatMap((path: unknown, index) => expandBraces(string(`${where}: path ${index}`, path)))
}

interface Shards {
  /** What is read, and how: changed whenever what counts as an image changes. */
  readonly readAs: string
  readonly files: readonly string[]
  /** What the index depends on beside the files, as JSON. */
  readonly settings: unknown
  /** Whether nothing that was remembered is believed. */
  readonly rescan: boolean
  readonly cache: IndexCache | undefined
  readonly make: () => Promise<SampleIndex>
}

/** The index of the files: as remembered while all of them have the size and time that they had. */
export function indexOfShards({ readAs, files, settings, rescan, cache, make }: Shards): Promise<SampleIndex> {
  const absolute = files.map((file) => resolve(file))
  return remembered<SampleIndex>(
    {
      key: [readAs, absolute, settings],
      read: readSealedIndex,
      make,
      isWorth: ({ labels }, { least }) => labels.length >= least,
      write: (path, made) => writeIndex(path, { ...made, shards: made.shards.map((shard, index) => ({ ...shard, name: absolute[index]! })) }),
      async isCurrent({ shards }) {
        if (shards.length !== absolute.length) return false
        const same = await mapLimited([...shards.entries()], async ([index, { name, bytes, modified }]) => {
          if (name !== absolute[index]) return false
          // Whoever reads the files says what is wrong with one that is missing.
          const status = await stat(bytesOfName(name)).catch(() => undefined)
          return status?.size === bytes && status.mtimeMs === modified
        })
        return same.every(Boolean)
      },
    },
    absolute.every(isUtf8Name) ? cache : undefined,
    rescan,
  )
}

/** What an index says, of archives that lie at these paths. */
export function datasetOf(name: string, files: readonly string[], index: SampleIndex, rescanned = false): Dataset {
  const { shards, classes, labels, file, offset, length, fingerprint } = index
  const listed = {
    bytes: Float64Array.from(shards, ({ bytes }) => bytes),
    modified: Float64Array.from(shards, ({ modified }) => modified),
    ...(rescanned && { rescanned }),
  }
  return { name, length: labels.length, classes, labels, source: { kind: 'ranges', files, file, offset, length, listed }, fingerprint }
}
