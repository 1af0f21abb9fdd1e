/** How images become the input of a network from an ONNX file, and what its classes are called: the options say it, or the file as `exportOnnx` writes it. */
import { PreresnetError } from '../../errors.js'
import { malformed } from '../../formats/files.js'
import type { Network } from '../../layers/index.js'
import { classNamesIn } from '../../runtime/model_file.js'
import { readModelPreparation, type ModelPreparation } from '../../runtime/model_preparation.js'
import type { OnnxImportOptions } from '../options.js'
import { onnxPresetNames, presetPreparation } from '../preparation.js'
import type { OnnxModel } from './messages.js'

export interface Prepared {
  readonly prepare: ModelPreparation
  /** Who says so, for errors. */
  readonly saidBy: 'metadata' | 'option'
  readonly classes?: readonly string[]
  readonly order: 'rgb' | 'bgr'
}

export function preparationOf(
  file: string,
  { metadata }: OnnxModel,
  network: Pick<Network, 'input'>,
  { preparation, prepare, channelOrder }: OnnxImportOptions,
): Prepared {
  if (prepare !== undefined && preparation !== undefined) throw new PreresnetError('ERR_OPTION', 'importOnnx: expected preparation or prepare, got both')
  const texts = new Map(metadata.map(({ key = '', value = '' }) => [key, value]))
  const classes = classNamesIn(file, parsed(texts, 'classes'))
  const stored = parsed(texts, 'prepare')
  const given = prepare ?? (preparation && presetPreparation(preparation))
  const where = given === undefined ? `${file}: metadata "prepare"` : 'importOnnx: prepare'
  if (given === undefined && stored === undefined)
    throw new PreresnetError(
      'ERR_OPTION',
      `${file}: expected the option preparation (${onnxPresetNames.join(', ')}) or prepare, because the file says nothing of it`,
    )
  try {
    const order = channelOrder ?? (preparation === 'caffe' ? 'bgr' : 'rgb')
    const prepared = readModelPreparation(where, given ?? stored, network)
    return { prepare: prepared, saidBy: given === undefined ? 'metadata' : 'option', ...(classes && { classes }), order }
  } catch (cause) {
    throw given === undefined ? malformed(file, (cause as Error).message) : new PreresnetError('ERR_OPTION', `${file}: ${(cause as Error).message}`, { cause })
  }
}

function parsed(texts: ReadonlyMap<string, string>, key: string): unknown {
  const text = texts.get(key)
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    // Another program's text of the same name is none of ours.
    return undefined
  }
}
