// Archives as npm makes them: files sorted and without dates, so the same files give the same bytes.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { output, Stop } from '../support/run.mjs'

const LIMIT = 40 * 1000 * 1000

/** Packs a staged folder; returns the archive and its sizes in bytes. */
export function pack(folder, destination) {
  const text = output('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], { cwd: folder, maxBuffer: 1 << 28 })
  if (text === undefined) throw new Stop(`npm pack failed in ${folder}`)
  // An array up to npm 11, an object by names since.
  const [packed] = Object.values(JSON.parse(text))
  const file = join(destination, packed.filename)
  const { size } = statSync(file)
  if (size > LIMIT) throw new Stop(`${file}: expected less than ${LIMIT / 1e6} MB, got ${(size / 1e6).toFixed(1)} MB`)
  return { file, size, unpacked: packed.unpackedSize }
}
