/** model.safetensors: parameters and running statistics by name; the metadata say everything else that loading needs. */
import { PreresnetError } from '../errors.js'
import { SafetensorsFile, writeSafetensors, type Metadata, type SafetensorsTensor } from '../formats/safetensors.js'
import { networkFromJson } from '../layers/json.js'
import type { Network } from '../layers/layer.js'
import { knownKeys } from '../options.js'
import { matches, select } from '../runtime/patterns.js'
import type { Session } from '../runtime/session.js'
import type { Tensor, Values } from '../runtime/tensor.js'

export interface ModelDescription {
  readonly network: Network
  /** How pixels in 0..1 become the network's input; absent where it was trained on tensors. */
  readonly normalisation?: { readonly mean: readonly number[]; readonly deviation: readonly number[] }
  readonly classes?: readonly string[]
}

/** `network`, `input`, `normalisation` and `classes` are JSON. */
export function modelMetadata({ network, normalisation, classes }: ModelDescription): Metadata {
  return {
    format: 'preresnet-1',
    network: JSON.stringify(network),
    input: JSON.stringify(network.input),
    ...(normalisation && { normalisation: JSON.stringify(normalisation) }),
    ...(classes && { classes: JSON.stringify(classes) }),
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
  let network
  try {
    network = networkFromJson(parse(path, metadata, 'network'))
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: metadata "network": ${(cause as Error).message}`, { cause })
  }
  return { network, ...(normalisation && { normalisation }), ...(classes && { classes }) }
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

/** Writes a session's parameters and running statistics, all of the same step, with everything that loading them needs. */
export async function saveModel(session: Session, path: string): Promise<void> {
  await writeSafetensors(path, await modelTensors(session), modelMetadata({ network: session.network, ...session.images }))
}

/** Copies of parameters and running statistics, in fp32, all of the same step. */
export async function modelTensors(session: Session): Promise<Map<string, SafetensorsTensor>> {
  const handles = [...session.parameterNames, ...session.bufferNames].map((name) => session.parameter(name))
  const values = await session.readTogether(handles)
  return new Map(
    handles.map(({ name, shape }, index) => {
      const data = values[index]!
      return [name, { dtype: 'F32', shape, data: data instanceof Float32Array ? data : Float32Array.from(data) }]
    }),
  )
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
  const values = new Map<Tensor, Values>()
  for (const name of wanted) values.set(session.parameter(name), (await file.read(name)).data as Values)
  await session.writeTogether(values)
}

function checkEntry({ path, entries }: SafetensorsFile, name: string, shape: readonly number[]): void {
  const entry = entries.get(name)
  if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${path}: expected a tensor ${JSON.stringify(name)}, got none`)
  if (entry.shape.join() !== shape.join())
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected shape [${shape.join(', ')}], got [${entry.shape.join(', ')}]`)
  if (!entry.dtype.includes('F')) throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected floating-point values, got ${entry.dtype}`)
}
