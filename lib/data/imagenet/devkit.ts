/** What the devkit of ILSVRC 2012 says of the validation images. */
import { join } from 'node:path'
import { PreresnetError } from '../../errors.js'
import { hintIfMissing, readRegularFile } from '../../regular_file.js'
import { readStructs } from './mat.js'

/** The list of the devkit has one line for each validation image, in the order of their numbers. */
interface ValidationList {
  readonly path: string
  /** The WNID of each image. */
  readonly wnids: readonly string[]
}

/**
 * The list counts classes by numbers of the devkit (ILSVRC2012_ID), which are in another order than the WNIDs: its file meta.mat says which is which.
 * ERR_FILE where the devkit is not there or a file is malformed, ERR_DATASET where a line is no number of a class.
 */
export async function validationList(devkit: string): Promise<ValidationList> {
  const path = join(devkit, 'data', 'ILSVRC2012_validation_ground_truth.txt')
  const meta = join(devkit, 'data', 'meta.mat')
  const text = (await read(devkit, () => readRegularFile(path))).toString('latin1')
  const wnidOf = new Map<number, string>()
  for (const struct of await read(devkit, () => readStructs(meta, 'synsets'))) {
    const [id, wnid, children] = ['ILSVRC2012_ID', 'WNID', 'num_children'].map((field) => struct.get(field))
    if (typeof id !== 'number' || typeof wnid !== 'string' || typeof children !== 'number')
      throw new PreresnetError('ERR_FILE', `${meta}: expected ILSVRC2012_ID, WNID and num_children of every synset, got one without`)
    // A synset with children is above the classes: no image has it as its label.
    if (children === 0) wnidOf.set(id, wnid)
  }
  const wnids = text
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const wnid = /^\d{1,6}\s*$/.test(line) ? wnidOf.get(Number(line)) : undefined
      if (wnid !== undefined) return wnid
      throw new PreresnetError('ERR_DATASET', `${path}: line ${index + 1}: expected the number of a class in ${meta}, got ${JSON.stringify(line.slice(0, 20))}`)
    })
  return { path, wnids }
}

async function read<T>(devkit: string, from: () => Promise<T>): Promise<T> {
  try {
    return await from()
  } catch (error) {
    throw hintIfMissing(
      error,
      `labels of validation images in one folder are in the devkit of ILSVRC 2012, whose archive is to be unpacked as ${devkit} (in code, \`devkit\` says where it is)`,
    )
  }
}
