/** What the addon's loader is told of a source. */
import type { LoaderDescription } from '../native/types.js'
import type { Dataset } from './dataset.js'

export function described(source: Dataset['source'], labels: Int32Array): Pick<LoaderDescription, 'source' | 'decode'> {
  if (source.kind === 'memory') return { source: { kind: 'memory', images: source.images, labels } }
  const { paths, resize } = source
  const file = Int32Array.from(paths.keys())
  return {
    source: { kind: 'ranges', files: paths, file, offset: new Float64Array(paths.length), length: new Float64Array(paths.length).fill(-1), labels },
    decode: { resize, keepFitting: false, exact: resize === 0 },
  }
}
