/** model.safetensors: parameters and running statistics by name; the metadata say everything else that loading needs. */
import { PreresnetError } from '../errors.js'
import { tensorType } from '../formats/tensor_types.js'
import { SafetensorsFile, writeSafetensors, type Metadata, type SafetensorsTensor } from '../formats/safetensors.js'
import { networkFromJson } from '../layers/json.js'
import type { Network } from '../layers/layer.js'
import { fields, invalid, knownKeys, oneOf } from '../options/values.js'
import { matches, select } from '../runtime/patterns.js'
import { checkClasses } from '../data/check.js'
import { readPreparation, type Normalization, type Preparation } from '../data/prepare/preparation.js'
import { checkPreparation } from '../data/prepare/sequence.js'
import { evaluationOf, normalizationIn, parse, part, preparationIn, type ModelPreparation } from './model_preparation.js'
import { Session } from '../runtime/session.js'
import { readTogether, writeTogether } from '../runtime/internals.js'
import type { Tensor, Values } from '../runtime/tensor.js'

/** What a model file says of itself. */
export interface ModelDescription {
  /** The network has been trained. */
  readonly network: Network
  /** Images become the network's input in this way, as evaluation prepared them; it is absent where the network was trained on tensors. */
  readonly prepare?: ModelPreparation
  /** The names of the classes are in the order of the outputs; absent where the network was trained without data. */
  readonly classes?: readonly string[]
}

/** `network`, `input`, `prepare` and `classes` are JSON. */
export function modelMetadata({ network, prepare, classes }: ModelDescription): Metadata {
  return {
    format: 'preresnet-1',
    network: JSON.stringify(network),
    input: JSON.stringify(network.input),
    ...(prepare && { prepare: JSON.stringify(evaluationOf(prepare)) }),
    ...(classes && { classes: JSON.stringify(classes) }),
  }
}

/**
 * Reads what a model file says of itself: the network, and how images become its input and what its classes are called, where it was trained on images.
 * @param path - The file's path.
 * @throws ERR_FILE where it is missing, malformed, or no model.
 */
export async function describeModel(path: string): Promise<ModelDescription> {
  await using file = await SafetensorsFile.open(path)
  return modelDescription(file)
}

export function modelDescription({ path, metadata }: Pick<SafetensorsFile, 'path' | 'metadata'>): ModelDescription {
  if (metadata['format'] !== 'preresnet-1') {
    throw new PreresnetError(
      'ERR_FILE',
      `${path}: expected metadata format "preresnet-1", got ${JSON.stringify(metadata['format'] ?? 'none')}; was it saved by preresnet?`,
    )
  }
  const classes = parse(path, metadata, 'classes')
  if (classes !== undefined && !isNames(classes)) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata "classes" is not a list of names`)
  }
  const network = part(path, 'network', () => networkFromJson(parse(path, metadata, 'network')))
  const prepare = preparationIn(path, metadata, network)
  return { network, ...(prepare && { prepare }), ...(classes && { classes }) }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

/** The options of `saveModel` are these. */
export interface SaveModelOptions {
  /** The file shall say that images are prepared in this way, where it is not as in the session. @default the session's */
  readonly prepare?: Preparation
}

/**
 * Writes a session's parameters and running statistics, all of the same step, with everything that loading them needs.
 * @param session - What `compile` made.
 * @param path - The file's path; a file that is there is replaced as a whole.
 * @param options - How the file shall say that images are prepared.
 * @throws ERR_FILE where it cannot be written.
 * @throws ERR_OPTION where `prepare` does not fit the network.
 * @throws ERR_DISPOSED after the session's `dispose()`.
 */
export async function saveModel(session: Session, path: string, options: SaveModelOptions = {}): Promise<void> {
  checkSession('saveModel', session)
  knownKeys('saveModel', options, ['prepare'])
  const { network, classNames } = session
  const prepare = preparationToSave('saveModel: prepare', session, options.prepare)
  await writeSafetensors(path, await modelTensors(session), modelMetadata({ network, ...(prepare && { prepare }), ...(classNames && { classes: classNames }) }))
}

/** Copies of parameters and running statistics, in fp32, all of the same step. */
export async function modelTensors(session: Session): Promise<Map<string, SafetensorsTensor>> {
  const handles = [...session.parameterNames, ...session.bufferNames].map((name) => session.parameter(name))
  const values = await readTogether(session, handles)
  return new Map(
    handles.map(({ name, shape }, index) => {
      const data = values[index]!
      return [name, { dtype: 'F32', shape, data: data instanceof Float32Array ? data : Float32Array.from(data) }]
    }),
  )
}

function preparationToSave(where: string, { network, prepare }: Session, given: Preparation | undefined): ModelPreparation | undefined {
  if (given === undefined) return prepare
  const { evaluate = prepare?.evaluate, normalization = prepare?.normalization } = readPreparation(where, given)
  if (normalization === undefined) throw invalid(`${where}.normalization`, 'mean and std, for the session has none', normalization)
  const complete = { ...(evaluate && { evaluate }), normalization }
  checkPreparation(where, complete, network.input)
  return complete
}

function checkSession(where: string, value: unknown): void {
  if (value instanceof Session) return
  const { save } = fields(value)
  if (typeof save === 'function') throw new PreresnetError('ERR_OPTION', `${where}: expected a session; a trained model saves itself: model.save(path)`)
  throw invalid(where, 'a session', value)
}

/** The options of `loadModel` are these. */
export interface LoadModelOptions {
  /** Names, paths above them or patterns with `*` of what keeps its start values: a replaced head. The file may lack them, or have others. @default [] */
  readonly except?: readonly string[]
  /**
   * With 'same' a file whose network saw its pixels normalized otherwise than this session normalizes them is refused, for its accuracy would be lost.
   * With 'any' it is taken, to be trained further on these images.
   * @default 'same'
   */
  readonly normalization?: 'same' | 'any'
  /**
   * With 'same' a file whose classes are others than those of this session's data, or in another order, is refused, for its answers would be taken for others; unless
   * `except` leaves out the weights of the last layer, whose outputs they are.
   * With 'any' it is taken, to be trained further for these classes.
   * @default 'same'
   */
  readonly classes?: 'same' | 'any'
}

/**
 * Writes a file's values into a session, all between the same two calls; where it throws, nothing is written.
 * @param session - What `compile` made.
 * @param path - The file's path.
 * @param options - What is left out, and which differences are allowed.
 * @throws ERR_FILE where the file is missing, malformed, or no model.
 * @throws ERR_PARAMETER where a tensor is missing, of another shape, one that the network has not, or has a value that is not finite, or where file and session
 * normalize images differently.
 * @throws ERR_DATASET where file and session have different classes.
 * @throws ERR_OPTION where an option is unknown.
 * @throws ERR_DISPOSED after the session's `dispose()`.
 */
export async function loadModel(session: Session, path: string, options: LoadModelOptions = {}): Promise<void> {
  checkSession('loadModel', session)
  knownKeys('loadModel', options, ['except', 'normalization', 'classes'])
  const except = options.except ?? []
  const names = [...session.parameterNames, ...session.bufferNames]
  const kept = select('loadModel: except', except, names)
  const wanted = names.filter((name) => !kept.has(name))
  await using file = await SafetensorsFile.open(path)
  for (const name of wanted) checkEntry(file, name, session.parameter(name).shape)
  for (const name of file.entries.keys()) {
    if (names.includes(name) || except.some((pattern) => matches(pattern, name))) continue
    throw new PreresnetError('ERR_PARAMETER', `${path}: has ${JSON.stringify(name)}, which the network has not`)
  }
  if (oneOf('loadModel: normalization', options.normalization ?? 'same', ['same', 'any']) === 'same') checkNormalization(file, session.prepare?.normalization)
  if (oneOf('loadModel: classes', options.classes ?? 'same', ['same', 'any']) === 'same' && !replacesHead(session, kept)) checkSameClasses(file, session)
  const values = new Map<Tensor, Values>()
  for (const name of wanted) values.set(session.parameter(name), (await file.read(name)).data as Values)
  try {
    await writeTogether(session, values)
  } catch (error) {
    throw error instanceof PreresnetError && error.code === 'ERR_PARAMETER' ? new PreresnetError(error.code, `${path}: ${error.message}`) : error
  }
}

/** Of values in 0..1: a quarter of a gray level, which nobody sees. */
const sameNormalization = 0.001

function checkNormalization({ path, metadata }: SafetensorsFile, session: Normalization | undefined): void {
  const file = normalizationIn(path, metadata)
  if (session === undefined || file === undefined) return
  const differ = (a: readonly number[], b: readonly number[]): boolean =>
    a.length !== b.length || a.some((value, channel) => Math.abs(value - b[channel]!) > sameNormalization)
  if (!differ(file.mean, session.mean) && !differ(file.std, session.std)) return
  const shown = ({ mean, std }: Normalization): string => [mean, std].map((values) => values.map((value) => value.toFixed(4)).join(', ')).join('; std ')
  throw new PreresnetError(
    'ERR_PARAMETER',
    `${path}: expected the session's normalization (mean ${shown(session)}), got mean ${shown(file)}; compile() with the file's \`prepare\`, which describeModel() has, or load with normalization: 'any' to train further`,
  )
}

function replacesHead({ graph }: Session, kept: ReadonlySet<string>): boolean {
  const last = graph.nodes.at(-1)
  return last?.kind === 'linear' && kept.has(last.weight)
}

function checkSameClasses({ path, metadata }: SafetensorsFile, { classNames }: Session): void {
  const file = parse(path, metadata, 'classes')
  if (!isNames(file)) return
  checkClasses(path, file, "the session's data", classNames, "; to train further for these load with classes: 'any'")
}

function checkEntry({ path, entries }: SafetensorsFile, name: string, shape: readonly number[]): void {
  const entry = entries.get(name)
  if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${path}: expected a tensor ${JSON.stringify(name)}, got none`)
  if (entry.shape.join() !== shape.join())
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected shape [${shape.join(', ')}], got [${entry.shape.join(', ')}]`)
  if (tensorType(entry.dtype)?.floating !== true)
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected floating-point values, got ${entry.dtype}`)
}
