/** A session's weights in model files: `session.save` and `session.load`. */
import type { WeightsChoice } from '../compiler/options.js'
import { checkClasses } from '../data/check.js'
import type { Normalization, Preparation } from '../data/prepare/preparation.js'
import { checkPreparation } from '../data/prepare/sequence.js'
import { PreresnetError } from '../errors.js'
import { SafetensorsFile, writeSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import { tensorType } from '../formats/tensor_types.js'
import { checkOptions, withDefaults } from '../options/check.js'
import { invalid } from '../options/values.js'
import { loadOptions, saveOptions, type LoadOptions, type SaveOptions } from './call_options.js'
import type { Compiled } from './compiled.js'
import { isNames, modelMetadata } from './model_file.js'
import { normalizationIn, parse, type ModelPreparation } from './model_preparation.js'
import { matches, select } from './patterns.js'
import type { Tensor, Values } from './tensor.js'
import type { Tensors } from './tensors.js'
import { readAll, writeAll } from './together.js'
import type { Turn } from './turn.js'

/** What a session keeps in files: parameters and running statistics. */
export class Weights {
  readonly #turn: Turn
  readonly #compiled: Compiled
  readonly #tensors: Tensors

  constructor(turn: Turn, compiled: Compiled, tensors: Tensors) {
    this.#turn = turn
    this.#compiled = compiled
    this.#tensors = tensors
  }

  async save(path: string, options: SaveOptions): Promise<void> {
    const { prepare: given, weights } = withDefaults(saveOptions, checkOptions('save', saveOptions, options))
    const { network, dataset } = this.#compiled
    const prepare = preparationToSave('save: prepare', this.#compiled, given)
    const metadata = modelMetadata({ network, ...(prepare && { prepare }), ...(dataset && { classes: dataset.classes }) })
    if (weights === 'ema' && !this.#tensors.hasAverages) throw invalid('save: weights', '"trained": the session was compiled without `ema`', weights)
    await writeSafetensors(path, await this.read(weights), metadata)
  }

  /** Copies in fp32, all of the same step. */
  async read(weights: WeightsChoice = 'trained'): Promise<Map<string, SafetensorsTensor>> {
    const handles = this.#names().map((name) => (weights === 'ema' ? this.#tensors.average(name) : this.#tensors.parameter(name)))
    const values = await readAll(this.#turn, handles)
    return new Map(
      handles.map(({ name, shape }, index) => {
        const data = values[index]!
        return [name, { dtype: 'F32', shape, data: data instanceof Float32Array ? data : Float32Array.from(data) }]
      }),
    )
  }

  async load(path: string, options: LoadOptions): Promise<void> {
    await this.#open(path, options, async (file, wanted) => {
      const values = new Map<Tensor, Values>()
      for (const name of wanted) values.set(this.#tensors.parameter(name), (await file.read(name)).data as Values)
      await writeAll(this.#turn, values)
    })
  }

  /** The same where nobody has the session yet: the file is never in memory as a whole, and after an error the session has some of its values. */
  async loadFirst(path: string, options: LoadOptions): Promise<void> {
    await this.#open(path, options, async (file, wanted) => {
      for await (const [name, { data }] of file.readInOrder(wanted)) await writeAll(this.#turn, new Map([[this.#tensors.parameter(name), data as Values]]))
    })
  }

  async #open(path: string, options: LoadOptions, write: (file: SafetensorsFile, wanted: readonly string[]) => Promise<void>): Promise<void> {
    const { except, normalization, classes } = withDefaults(loadOptions, checkOptions('load', loadOptions, options))
    const { prepare, dataset } = this.#compiled
    const names = this.#names()
    const kept = select('load: except', except, names)
    const wanted = names.filter((name) => !kept.has(name))
    await using file = await SafetensorsFile.open(path)
    for (const name of wanted) checkEntry(file, name, this.#tensors.parameter(name).shape)
    for (const name of file.entries.keys()) {
      if (names.includes(name) || except.some((pattern) => matches(pattern, name))) continue
      throw new PreresnetError('ERR_PARAMETER', `${path}: has ${JSON.stringify(name)}, which the network has not`)
    }
    if (normalization === 'same') checkNormalization(file, prepare?.normalization)
    if (classes === 'same' && !replacesHead(this.#compiled, kept)) checkSameClasses(file, dataset?.classes)
    try {
      await write(file, wanted)
    } catch (error) {
      throw error instanceof PreresnetError && error.code === 'ERR_PARAMETER' ? new PreresnetError(error.code, `${path}: ${error.message}`) : error
    }
  }

  #names(): string[] {
    return [...this.#tensors.parameters, ...this.#tensors.buffers]
  }
}

function preparationToSave(where: string, { network, prepare }: Compiled, given: Preparation | undefined): ModelPreparation | undefined {
  if (given === undefined) return prepare
  const { evaluate = prepare?.evaluate, normalization = prepare?.normalization } = given
  if (normalization === undefined) throw invalid(`${where}.normalization`, 'mean and std, for the session has none', normalization)
  const complete = { ...(evaluate && { evaluate }), normalization }
  checkPreparation(where, complete, network.input)
  return complete
}

/** Of values in 0..1: a quarter of a gray level, which nobody sees. */
const normalizationTolerance = 0.001

function checkNormalization({ path, metadata }: SafetensorsFile, session: Normalization | undefined): void {
  const file = normalizationIn(path, metadata)
  if (session === undefined || file === undefined) return
  const differ = (a: readonly number[], b: readonly number[]): boolean =>
    a.length !== b.length || a.some((value, channel) => Math.abs(value - b[channel]!) > normalizationTolerance)
  if (!differ(file.mean, session.mean) && !differ(file.std, session.std)) return
  const shown = ({ mean, std }: Normalization): string => [mean, std].map((values) => values.map((value) => value.toFixed(4)).join(', ')).join('; std ')
  throw new PreresnetError(
    'ERR_PARAMETER',
    `${path}: expected the session's normalization (mean ${shown(session)}), got mean ${shown(file)}; compile() with the file's \`prepare\`, which describeModel() has, or load with normalization: 'any' to train further`,
  )
}

function replacesHead({ graph }: Compiled, kept: ReadonlySet<string>): boolean {
  const last = graph.nodes.at(-1)
  return last?.kind === 'linear' && kept.has(last.weight)
}

function checkSameClasses({ path, metadata }: SafetensorsFile, names: readonly string[] | undefined): void {
  const file = parse(path, metadata, 'classes')
  if (!isNames(file)) return
  checkClasses(path, file, "the session's data", names, "; to train further for these load with classes: 'any'")
}

function checkEntry({ path, entries }: SafetensorsFile, name: string, shape: readonly number[]): void {
  const entry = entries.get(name)
  if (entry === undefined) throw new PreresnetError('ERR_PARAMETER', `${path}: expected a tensor ${JSON.stringify(name)}, got none`)
  if (entry.shape.join() !== shape.join())
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected shape [${shape.join(', ')}], got [${entry.shape.join(', ')}]`)
  if (tensorType(entry.dtype)?.floating !== true)
    throw new PreresnetError('ERR_PARAMETER', `${path}: ${name}: expected floating-point values, got ${entry.dtype}`)
}
