import { pack, type PackedArchive, verifyPacked } from '../data/index.js'
import { packOptions, type PackOptions } from '../data/options.js'
import type { Dataset } from '../data/dataset.js'
import { pathsOf, type PathList } from '../data/path_list.js'
import { sourceOptions } from '../data/source_options.js'
import { PreresnetError } from '../errors.js'
import { flagOption, variant } from '../options/spec.js'
import { pick } from '../options/check.js'
import type { CommandSpec } from './command.js'
import { countProgress } from './count_progress.js'
import { openSet } from './data_options.js'
import { printJson } from './json/document.js'
import { packDocument } from './json/pack.js'
import { count, print, size } from './output.js'
import { checkOtherFile } from './other_file.js'
import { leavingAtSignals } from './signals.js'

const { side, raw, gray } = packOptions
// Without a default each says whether it was given: one that would change nothing is a mistake.
const encodings = { side, quality: variant(packOptions.quality, { fallback: undefined, usual: String(packOptions.quality.fallback) }), raw, gray }

const options = {
  ...encodings,
  rescan: sourceOptions.rescan,
  verify: flagOption({ group: 'Command', help: 'compare a packed file with the checksums in its index, instead of writing one', fallback: false }),
}

export const packCommand: CommandSpec<typeof options> = {
  name: 'pack',
  summary: 'images as one tar that WebDataset reads, with an index: large reads instead of many files',
  arguments: [
    ['<images>', 'a folder of class folders, tar:FILES, parquet:FILES or packed:FILE; with --verify a packed file'],
    ['[file]', 'the tar to write; its index gets the same name with .index'],
  ],
  options,
  json: packDocument,
  examples: [
    ['pack photos/train train.tar', 'files as they are, in the order of the folder'],
    ['pack photos/train train-256.tar --side 256', 'larger images with a shorter side of 256, as JPEG'],
    ['pack photos/train train-raw.tar --raw 256', 'pixels: three bytes each, and nothing to decode'],
    ["pack 'parquet:train-{00..39}.parquet' train.tar", 'also where images are compressed in the files'],
    ['pack train.tar --verify', 'every sample against its checksum'],
  ],
  run(values, [images, file]) {
    const { json, verify, rescan } = values
    const from = images as string
    return leavingAtSignals(async (signal) => {
      const options = { signal, ...(!json && { onProgress: countProgress(process.stderr.isTTY) }) }
      const given = pick(encodings, values)
      const result = verify ? await verified(from, file, { rescan, ...given }, options) : await packed(from, rescan, file, { ...given, ...options })
      if (json) printJson(packDocument, result)
      else print(`${result.path}: ${count(result.samples)} samples${verify ? ', all as they were packed' : `, ${size(result.bytes)} (${result.contents})`}`)
    })
  },
}

type Progress = Parameters<typeof verifyPacked>[1]

async function verified(path: string, file: unknown, given: object, options: Progress): Promise<PackedArchive> {
  const unused = Object.entries(given).find(([, value]) => value !== false)
  if (unused !== undefined) throw new PreresnetError('ERR_OPTION', `--${unused[0]} is for writing a packed file, got --verify`)
  if (file !== undefined) throw new PreresnetError('ERR_OPTION', `pack --verify: expected one file, got a second one, ${JSON.stringify(file)}`)
  return verifyPacked(path.replace(/^packed:/, ''), options)
}

/** The files that the images lie in. */
function shardsOf({ source }: Dataset): PathList {
  if (source.kind === 'ranges') return source.files
  return source.kind === 'custom' ? (source.addresses?.files ?? []) : []
}

async function packed(images: string, rescan: boolean, file: unknown, options: PackOptions & { readonly signal: AbortSignal }): Promise<PackedArchive> {
  if (typeof file !== 'string') throw new PreresnetError('ERR_OPTION', 'pack: expected the file to write, as train.tar, got none')
  const dataset = await openSet(images, { rescan, signal: options.signal })
  // Of folders nobody means to replace an image by an archive, and there may be a million.
  if (/^(tar|parquet|packed):/.test(images)) for (const path of pathsOf(shardsOf(dataset))) await checkOtherFile('pack', path, file)
  return pack(dataset, file, options)
}
