/** What a dataset holds: sizes by headers, and what cannot be decoded, by decoding. */
import { throwIfAborted } from '../abort.js'
import { sampleCount, type CorruptImage, type Dataset, type ImageShape } from './dataset.js'
import { isCorrupt, storedSize } from './image_sizes.js'
import { loader } from './loader.js'
import { mapLimited } from '../limited.js'
import type { Preparation } from './prepare/preparation.js'

interface Size {
  readonly height: number
  readonly width: number
}

export interface SizeRange {
  /** By pixels. */
  readonly smallest: Size
  readonly median: Size
  readonly largest: Size
}

const pixels = ({ height, width }: Size): number => height * width

/** Of all images whose header can be read; undefined where there is none. */
export async function sizeRange({ source }: Dataset, signal?: AbortSignal): Promise<SizeRange | undefined> {
  if (source.kind === 'memory') return { smallest: source.shape, median: source.shape, largest: source.shape }
  const sizes: Size[] = []
  let next = 0
  await mapLimited(Array.from({ length: 16 }), async () => {
    while (next < sampleCount(source)) {
      throwIfAborted(signal)
      const size = await storedSize(source, next++).catch((error: unknown) => {
        if (isCorrupt(error)) return undefined
        throw error
      })
      if (size !== undefined) sizes.push(size)
    }
  })
  sizes.sort((a, b) => pixels(a) - pixels(b) || a.height - b.height)
  const at = (share: number): Size => sizes[Math.floor((sizes.length - 1) * share)]!
  return sizes.length === 0 ? undefined : { smallest: at(0), median: at(0.5), largest: at(1) }
}

interface Reading {
  readonly input: ImageShape
  readonly prepare: Preparation
  readonly workers: number
  readonly batch: number
}

/** Those that cannot be decoded as evaluation prepares them. */
export async function corruptOf(dataset: Dataset, { batch, ...reading }: Reading): Promise<readonly CorruptImage[]> {
  await using batches = loader(dataset, { ...reading, mode: 'evaluate', batch: Math.min(batch, dataset.length), corrupt: 'skip' })
  for await (const { released } of batches) if (released) break
  return batches.corruptImages
}

/** Images a second of training's batches, over so many seconds, or an epoch if that is shorter; the first batch, before which threads start, is left out. */
export async function readingRate(dataset: Dataset, { batch: most, ...reading }: Reading, mode: 'train' | 'evaluate', seconds: number): Promise<number> {
  const batch = Math.max(1, Math.min(most, Math.floor(dataset.length / 2)))
  await using batches = loader(dataset, { ...reading, mode, batch, corrupt: 'skip' })
  let start = 0
  let images = 0
  for (;;) {
    for await (const { index } of batches) {
      const now = performance.now()
      if (start === 0) start = now
      else images += batch
      if (images > 0 && (now - start >= 1000 * seconds || (mode === 'train' && index + 1 >= 4 * batches.batches))) return (1000 * images) / (now - start)
    }
  }
}
