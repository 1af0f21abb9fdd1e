/** How a session's images become its network's input: what was given, completed from data, and as programs take it. */
import type { ProgramOptions } from '../compiler/options.js'
import type { Dataset } from '../data/dataset.js'
import { checkNotResized, checkSameShape, checkStoredSize, completePreparation } from '../data/prepare/complete.js'
import type { Loader } from '../data/loader.js'
import type { Normalization, Preparation } from '../data/prepare/preparation.js'
import { checkPreparation, padOf } from '../data/prepare/sequence.js'
import { PreresnetError } from '../errors.js'
import type { Network } from '../layers/layer.js'
import { invalid } from '../options/values.js'

/** Without `evaluate` it is found out from what is evaluated. */
export interface SessionPreparation extends Preparation {
  readonly normalization: Normalization
}

/** Threads that decode while defaults are found out. */
const workers = 2

/** ERR_OPTION or ERR_SHAPE for what cannot be; nothing is read. */
export function checkGiven({ input }: Network, prepare: Preparation | undefined, dataset: Dataset | undefined, feed: Loader | undefined): void {
  if (prepare === undefined) {
    if (dataset !== undefined) throw invalid('compile: prepare', 'how images are prepared beside `data`, as {} for the defaults', prepare)
    return
  }
  checkPreparation('compile: prepare', prepare, input)
  if (feed !== undefined) checkSameShape('compile: data', feed.dataset.name, feed.input, input)
  else if (dataset !== undefined) checkStoredSize('compile: data', dataset, input)
  else if (prepare.normalization === undefined)
    throw new PreresnetError('ERR_OPTION', 'compile: prepare.normalization: expected mean and std, or `data` to measure them on, got neither')
  if (feed !== undefined) checkAgreement(prepare, feed.prepare)
  if (dataset === undefined) return
  for (const list of ['train', 'evaluate'] as const)
    checkNotResized(`compile: prepare.${list}`, dataset, prepare[list] ?? [], '; without `data` a session evaluates them as they are')
}

/** ERR_OPTION where `prepare` and the loader beside it say the same part otherwise: batches are prepared by one, programs made and models saved by the other. */
function checkAgreement(prepare: Preparation, ofLoader: Preparation): void {
  for (const part of ['train', 'evaluate', 'normalization'] as const) checkSame(`compile: prepare.${part}`, prepare[part], "the loader's", ofLoader[part])
}

/** ERR_OPTION where another normalization is said than a session's programs have. */
export function checkNormalization(where: string, said: Normalization | undefined, { normalization }: SessionPreparation): void {
  checkSame(where, said, "the session's", normalization)
}

/** Both are named; what one of them leaves out is not compared. */
function checkSame(where: string, given: object | undefined, whose: string, expected: object | undefined): void {
  if (given !== undefined && expected !== undefined && JSON.stringify(given) !== JSON.stringify(expected))
    throw new PreresnetError('ERR_OPTION', `${where}: expected ${whose} (${JSON.stringify(expected)}), got ${JSON.stringify(given)}`)
}

/** With all that can be found out from the data. Undefined in a session on values. */
export async function completed(
  { input }: Network,
  prepare: Preparation | undefined,
  dataset: Dataset | undefined,
  signal: AbortSignal | undefined,
): Promise<SessionPreparation | undefined> {
  return prepare === undefined || dataset === undefined
    ? (prepare as SessionPreparation | undefined)
    : completePreparation(prepare, input, { train: dataset, workers, signal })
}

/** What the programs read. */
export function programInput({ input: { height, width } }: Network, prepare: SessionPreparation | undefined): ProgramOptions['input'] {
  if (prepare === undefined) return { kind: 'tensor' }
  const { mean, std } = prepare.normalization
  return { kind: 'images', height, width, pad: padOf(prepare), mean, std }
}
