/** model.safetensors: parameters and running statistics by name; the metadata say everything else that loading needs. */
import { PreresnetError } from '../errors.js'
import { SafetensorsFile, writeSafetensors, type Metadata, type SafetensorsTensor } from '../formats/safetensors.js'
import { networkFromJson } from '../layers/json.js'
import type { Network } from '../layers/layer.js'
import { fields, invalid, knownKeys, oneOf } from '../options.js'
import { matches, select } from '../runtime/patterns.js'
import { checkClasses } from '../data/check.js'
import type { Dataset } from '../data/dataset.js'
import { Session } from '../runtime/session.js'
import { readTogether, writeTogether } from '../runtime/internals.js'
import type { Tensor, Values } from '../runtime/tensor.js'

export interface ModelDescription {
  readonly network: Network
  /** How pixels in 0..1 become the network's input; absent where it was trained on tensors. */
  readonly normalisation?: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
  readonly classes?: readonly string[]
  /**
   * How validation prepared a file: the shorter side was resized to this, and the centre cut out; 0: files had the size of the input. Absent: it was no
   * file, or the model is of a version that did not say.
   */
  readonly resize?: number
}

/** What validation saw says how files are prepared. */
export function descriptionOf(
  network: Network,
  { normalisation, classes }: Pick<Dataset, 'normalisation' | 'classes'>,
  { source }: Pick<Dataset, 'source'>,
): ModelDescription {
  return { network, normalisation, classes, ...(source.resize !== undefined && { resize: source.resize }) }
}

/** `network`, `input`, `normalisation`, `classes` and `resize` are JSON. */
export function modelMetadata({ network, normalisation, classes, resize }: ModelDescription): Metadata {
  return {
    format: 'preresnet-1',
    network: JSON.stringify(network),
    input: JSON.stringify(network.input),
    ...(normalisation && { normalisation: JSON.stringify(normalisation) }),
    ...(classes && { classes: JSON.stringify(classes) }),
    ...(resize !== undefined && { resize: JSON.stringify(resize) }),
  }
}

/** What a model file says of itself: the network, and how images become its input and what its classes are called, where it was trained on images. */
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
  const normalisation = parse(path, metadata, 'normalisation')
  if (normalisation !== undefined && !isNormalisation(normalisation)) throw new PreresnetError('ERR_FILE', `${path}: metadata "normalisation" is malformed`)
  const classes = parse(path, metadata, 'classes')
  if (classes !== undefined && !isNames(classes)) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata "classes" is not a list of names`)
  }
  const resize = parse(path, metadata, 'resize')
  let network
  try {
    network = networkFromJson(parse(path, metadata, 'network'))
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata "network": ${(cause as Error).message}`, { cause })
  }
  if (resize !== undefined && !isResize(resize, network))
    throw new PreresnetError('ERR_FILE', `${path}: metadata "resize": expected 0 or at least the larger side of the input, got ${JSON.stringify(resize)}`)
  return { network, ...(normalisation && { normalisation }), ...(classes && { classes }), ...(resize !== undefined && { resize }) }
}

function parse(path: string, metadata: Metadata, key: string): unknown {
  const text = metadata[key]
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata ${JSON.stringify(key)} is not JSON`, { cause })
  }
}

function isNormalisation(value: unknown): value is NonNullable<ModelDescription['normalisation']> {
  const { mean, deviation } = (value ?? {}) as { mean?: unknown; deviation?: unknown }
  const numbers = (list: unknown): list is number[] => Array.isArray(list) && list.length > 0 && list.every((entry) => Number.isFinite(entry))
  return numbers(mean) && numbers(deviation) && mean.length === deviation.length && deviation.every((entry) => entry > 0)
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

function isResize(value: unknown, { input }: Network): value is number {
  return value === 0 || (Number.isSafeInteger(value) && (value as number) >= Math.max(input.height, input.width))
}

/** Writes a session's parameters and running statistics, all of the same step, with everything that loading them needs. */
export async function saveModel(session: Session, path: string): Promise<void> {
  checkSession('saveModel', session)
  const { network, images } = session
  await writeSafetensors(path, await modelTensors(session), modelMetadata(images === undefined ? { network } : descriptionOf(network, images, images)))
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

function checkSession(where: string, value: unknown): void {
  if (value instanceof Session) return
  const { save } = fields(value)
  if (typeof save === 'function') throw new PreresnetError('ERR_OPTION', `${where}: expected a session; a trained model saves itself: model.save(path)`)
  throw invalid(where, 'a session', value)
}

export interface LoadModelOptions {
  /** Names, paths above them or patterns with `*` that keep their start values: a replaced head. The file may lack them, or have others. @default [] */
  readonly except?: readonly string[]
  /**
   * 'same': a file whose network saw its pixels normalised otherwise than this session normalises them is refused, for its accuracy would be lost.
   * 'any': it is taken, to be trained further on these images. @default 'same'
   */
  readonly normalisation?: 'same' | 'any'
  /**
   * 'same': a file whose classes are others than those of this session's data, or in another order, is refused, for its answers would be taken for others; unless
   * `except` leaves out the weights of the last layer, whose outputs they are.
   * 'any': it is taken, to be trained further for these classes. @default 'same'
   */
  readonly classes?: 'same' | 'any'
}

/**
 * Writes a file's values into a session, all between the same two calls. ERR_PARAMETER if a tensor is missing, of another shape, one the network has
 * not, or has a value that is not finite, or if file and session normalise images differently; ERR_DATASET if they have different classes. Then nothing is written.
 */
export async function loadModel(session: Session, path: string, options: LoadModelOptions = {}): Promise<void> {
  checkSession('loadModel', session)
  knownKeys('loadModel', options, ['except', 'normalisation', 'classes'])
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
  if (oneOf('loadModel: normalisation', options.normalisation ?? 'same', ['same', 'any']) === 'same') checkNormalisation(file, session.images?.normalisation)
  if (oneOf('loadModel: classes', options.classes ?? 'same', ['same', 'any']) === 'same' && !replacesHead(session, kept)) checkSameClasses(file, session)
  const values = new Map<Tensor, Values>()
  for (const name of wanted) values.set(session.parameter(name), (await file.read(name)).data as Values)
  try {
    await writeTogether(session, values)
  } catch (error) {
    throw error instanceof PreresnetError && error.code === 'ERR_PARAMETER' ? new PreresnetError(error.code, `${path}: ${error.message}`) : error
  }
}

/** Of values in 0..1: a quarter of a grey level, which nobody sees. */
const sameNormalisation = 0.001

function checkNormalisation({ path, metadata }: SafetensorsFile, session: ModelDescription['normalisation']): void {
  const file = parse(path, metadata, 'normalisation')
  if (session === undefined || !isNormalisation(file)) return
  const differ = (a: readonly number[], b: readonly number[]): boolean =>
    a.length !== b.length || a.some((value, channel) => Math.abs(value - b[channel]!) > sameNormalisation)
  if (!differ(file.mean, session.mean) && !differ(file.deviation, session.deviation)) return
  const shown = ({ mean, deviation }: NonNullable<ModelDescription['normalisation']>): string =>
    [mean, deviation].map((values) => values.map((value) => value.toFixed(4)).join(', ')).join('; deviation ')
  throw new PreresnetError(
    'ERR_PARAMETER',
    `${path}: expected the session's normalisation (mean ${shown(session)}), got mean ${shown(file)}; give compile() a dataset with that of the file, which describeModel() has, or load with normalisation: 'any' to train further`,
  )
}

function replacesHead({ graph }: Session, kept: ReadonlySet<string>): boolean {
  const last = graph.nodes.at(-1)
  return last?.kind === 'linear' && kept.has(last.weight)
}

function checkSameClasses({ path, metadata }: SafetensorsFile, { images }: Session): void {
  const file = parse(path, metadata, 'classes')
  if (!isNames(file)) return
  checkClasses(path, file, "the session's data", images?.classes, "; to train further for these load with classes: 'any'")
}

function checkEntry({ path, entries }: SafetensorsFile, name: string, shape: readonly number[]): void {
  const entry = entries.get(name)
  if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${path}: expected a tensor ${JSON.stringify(name)}, got none`)
  if (entry.shape.join() !== shape.join())
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected shape [${shape.join(', ')}], got [${entry.shape.join(', ')}]`)
  if (!entry.dtype.includes('F')) throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected floating-point values, got ${entry.dtype}`)
}
