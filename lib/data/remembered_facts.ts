/** What reading many images has told about a dataset of files, so that the next start need not read them again. */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { malformed } from '../formats/files.js'
import type { Dataset, RangeSource } from './dataset.js'
import { remembered, usualCache } from './remembered_index.js'
import { columnOf, readSealed, writeSealed } from './sealed_file.js'

/** A few numbers, and of how many images they are. */
interface Fact {
  readonly numbers: Float64Array
  /** The images that were read. */
  readonly read: number
}

const kind = { format: 'preresnet-fact', version: 1 }

/**
 * The numbers that `make` finds about `what`, under these settings, of a dataset whose files are known by their sizes and times; as remembered while no file has
 * another. `isRight`: whether remembered ones can be such numbers.
 */
export async function rememberedFact(
  { source, fingerprint }: Pick<Dataset, 'source' | 'fingerprint'>,
  [what, settings]: readonly [what: string, settings: unknown],
  isRight: (numbers: Float64Array) => boolean,
  make: () => Promise<Fact>,
  cache = usualCache(),
): Promise<Float64Array> {
  // Where times are not known, a file that has changed would look the same.
  if (cache === undefined || source.kind !== 'ranges' || !isKnown(source)) return (await make()).numbers
  const identity = identityOf(source, fingerprint)
  const { numbers } = await remembered<Fact>(
    {
      key: [what, settings, resolve(source.files.at(source.file[0]!)!), source.file.length],
      async read(path) {
        const { metadata, columns } = await readSealed(path, kind)
        if (metadata['identity'] !== identity) throw malformed(path, 'expected a fact about these files, got one about others')
        return { numbers: columnOf(path, columns, 'numbers', Float64Array), read: 0 }
      },
      isCurrent: ({ numbers }) => isRight(numbers),
      make,
      isWorth: ({ read }, { least }) => read >= least,
      write: (path, { numbers }) => writeSealed(path, kind, { identity }, { numbers: { dtype: 'F64', shape: [numbers.length], data: numbers } }),
    },
    cache,
    source.listed?.rescanned,
  )
  return numbers
}

function isKnown({ listed }: RangeSource): boolean {
  return listed?.modified.every((time) => time > 0) ?? false
}

/** SHA-256 over which files there are, their sizes and times, and which parts of them are samples. */
function identityOf({ listed, file, offset }: RangeSource, fingerprint: string): string {
  const hash = createHash('sha256').update(fingerprint)
  for (const { buffer, byteOffset, byteLength } of [listed!.bytes, listed!.modified, file, offset]) hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  return hash.digest('hex')
}
