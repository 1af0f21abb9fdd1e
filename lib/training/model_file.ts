/** model.safetensors: parameters and running statistics by name; the metadata say everything else that loading needs. */
import { PreresnetError } from '../errors.js'
import { SafetensorsFile, writeSafetensors, type Metadata, type SafetensorsTensor } from '../formats/safetensors.js'
import { networkFromJson } from '../layers/json.js'
import type { Network } from '../layers/layer.js'
import { knownKeys } from '../options.js'
import { matches, select } from '../runtime/patterns.js'
import type { ImageSet } from '../runtime/feed.js'
import type { Session } from '../runtime/session.js'

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
  { normalisation, classes }: Pick<ImageSet, 'normalisation' | 'classes'>,
  { source }: Pick<ImageSet, 'source'>,
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

export function describeModel({ path, metadata }: Pick<SafetensorsFile, 'path' | 'metadata'>): ModelDescription {
  if (metadata['format'] !== 'preresnet-1') {
    throw new PreresnetError(
      'ERR_FILE',
      `${path}: expected metadata format "preresnet-1", got ${JSON.stringify(metadata['format'] ?? 'none')}; was it saved by preresnet?`,
    )
  }
  const normalisation = parse(path, metadata, 'normalisation')
  if (normalisation !== undefined && !isNormalisation(normalisation)) throw new PreresnetError('ERR_FILE', `${path}: metadata "normalisation" is malformed`)
  const classes = parse(path, metadata, 'classes')
  if (classes !== undefined && !(Array.isArray(classes) && classes.every((name) => typeof name === 'string'))) {
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

function isResize(value: unknown, { input }: Network): value is number {
  return value === 0 || (Number.isSafeInteger(value) && (value as number) >= Math.max(input.height, input.width))
}

/** Writes a session's parameters and running statistics, with everything that loading them needs. */
export async function saveModel(session: Session, path: string): Promise<void> {
  const { network, images } = session
  await writeSafetensors(path, await modelTensors(session), modelMetadata(images === undefined ? { network } : descriptionOf(network, images, images)))
}

/** Copies of parameters and running statistics, in fp32. */
export async function modelTensors(session: Session): Promise<Map<string, SafetensorsTensor>> {
  const tensors = new Map<string, SafetensorsTensor>()
  for (const name of [...session.parameterNames, ...session.bufferNames]) {
    const handle = session.parameter(name)
    const values = await handle.read()
    tensors.set(name, { dtype: 'F32', shape: handle.shape, data: values instanceof Float32Array ? values : Float32Array.from(values) })
  }
  return tensors
}

export interface LoadModelOptions {
  /** Names, paths above them or patterns with `*` that keep their start values: a replaced head. The file may lack them, or have others. @default [] */
  readonly except?: readonly string[]
}

/** Writes a file's values into a session. ERR_PARAMETER if a tensor is missing, of another shape, or one the network has not; then nothing is written. */
export async function loadModel(session: Session, path: string, options: LoadModelOptions = {}): Promise<void> {
  knownKeys('loadModel', options, ['except'])
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
  for (const name of wanted) await session.parameter(name).write((await file.read(name)).data as Float32Array)
}

function checkEntry({ path, entries }: SafetensorsFile, name: string, shape: readonly number[]): void {
  const entry = entries.get(name)
  if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${path}: expected a tensor ${JSON.stringify(name)}, got none`)
  if (entry.shape.join() !== shape.join())
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected shape [${shape.join(', ')}], got [${entry.shape.join(', ')}]`)
  if (!entry.dtype.includes('F')) throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected floating-point values, got ${entry.dtype}`)
}
