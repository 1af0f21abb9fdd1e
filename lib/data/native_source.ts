import type { LoaderDescription } from '../native/types.js'
import { askedSource } from './custom_reads.js'
import type { Dataset } from './dataset.js'
import { nativeFiles } from './path_list.js'

/** What native workers are told of a dataset's images. */
export function nativeSource(source: Dataset['source'], labels: Int32Array): LoaderDescription['source'] {
  if (source.kind === 'ranges') return { ...source, files: nativeFiles(source.files), labels }
  if (source.kind === 'custom') return { ...askedSource(source), labels }
  const { kind, images, corrupt = [] } = source
  return { kind, images, labels, corrupt: { samples: Int32Array.from(corrupt, ({ sample }) => sample), reasons: corrupt.map(({ reason }) => reason) } }
}
