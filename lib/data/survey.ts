/** What a dataset holds: sizes by headers, and what cannot be decoded, by decoding. */
import type { CorruptImage, Dataset } from './dataset.js'
import { eachSize, type Size } from './image_sizes.js'
import { loader } from './loader.js'
import type { LoaderOptions } from './options.js'

export interface SizeRange {
  /** By pixels. */
  readonly smallest: Size
  readonly median: Size
  readonly largest: Size
}

const pixels = ({ height, width }: Size): number => height * width

/** Of all images whose header can be read; undefined where there is none. */
export async function sizeRange({ source }: Dataset): Promise<SizeRange | undefined> {
  const sizes: Size[] = []
  if (source.kind === 'memory') sizes.push(source.shape)
  else
    await eachSize(source, { corrupt: 'skip' }, (size) => {
      if (size !== undefined) sizes.push(size)
      return undefined
    })
  sizes.sort((a, b) => pixels(a) - pixels(b) || a.height - b.height)
  const at = (share: number): Size => {
    const { height, width } = sizes[Math.floor((sizes.length - 1) * share)]!
    return { height, width }
  }
  return sizes.length === 0 ? undefined : { smallest: at(0), median: at(0.5), largest: at(1) }
}

type Reading = Required<Pick<LoaderOptions, 'input' | 'prepare' | 'workers' | 'batch'>>

/** Those that cannot be decoded as evaluation prepares them. */
export async function corruptOf(dataset: Dataset, { batch, ...reading }: Reading): Promise<readonly CorruptImage[]> {
  await using batches = loader(dataset, { ...reading, mode: 'evaluate', batch: Math.min(batch, dataset.length), corrupt: 'skip' })
  // To go over them is what decodes.
  for await (const _ of batches) continue
  return batches.corruptImages
}

/** Images a second over so many seconds, of training over at most four epochs; the first batch, before which threads start, is left out. */
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
