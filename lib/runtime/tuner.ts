/**
 * Which kernel for which convolution: every candidate of every distinct layer is run and timed once, before the first step, and the choice
 * remembered under GPU, driver, cuDNN, precision and shape. Rules (compiler/lower/engines.ts) say what can be chosen from.
 */
import { elements } from '../compiler/layout.js'
import { tiersFor, type Site, type Tier } from '../compiler/lower/engines.js'
import type { Choice, Choices } from '../compiler/lower/target.js'
import type { Precision } from '../compiler/program.js'
import { siteProgram } from '../compiler/tune/site_program.js'
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { loadBinding, type CudaInformation, type CudaSessionOptions, type NativeSession } from './binding.js'
import { initialValues } from './random.js'
import { Remembered } from './remembered.js'

export interface TunerPlace {
  readonly device: 'cuda' | 'cuda-emulated'
  readonly precision: Precision
  readonly architecture: number
  readonly session: CudaSessionOptions
}

export interface Tuning {
  readonly choices: Choices
  /** Layers that were timed now; the others were remembered. */
  readonly timed: number
  /** What a person should know: a cache that could not be used. */
  readonly notes: readonly string[]
}

/** A candidate and its milliseconds; what is kept in the cache is the fastest. */
export interface Timed extends Choice {
  readonly milliseconds: number
}

/** Seconds that `steps` runs of program `time` take. Replaced in tests, which never look at a clock. */
export type Timer = (session: NativeSession, steps: number) => Promise<number>

/** cuDNN's heuristics list the likely ones first. */
const MOST_ENGINES = 6
const REPETITIONS = 7
const FORGIVABLE = ['ERR_UNSUPPORTED', 'ERR_MEMORY']

/** `progress` is told after each layer. ERR_ABORTED once the signal says so. */
export async function tune(
  sites: ReadonlyMap<string, Site>,
  place: TunerPlace,
  options: { readonly timer?: Timer; readonly signal?: AbortSignal; readonly progress?: (done: number, total: number) => void } = {},
): Promise<Tuning> {
  const remembered = await Remembered.open('cuda-tuning', placeKey(place), isTimed)
  const missing = [...sites].filter(([key]) => !remembered.entries.has(key))
  let done = 0
  for (const [key, site] of missing) {
    throwIfAborted(options.signal)
    remembered.entries.set(key, await fastest(site, place, options.timer ?? seconds))
    options.progress?.(++done, missing.length)
  }
  const saved = missing.length > 0 ? await remembered.save() : undefined
  const choices = Object.fromEntries([...sites.keys()].map((key) => [key, choiceOf(remembered.entries.get(key) as Timed)]))
  return { choices, timed: missing.length, notes: [remembered.note, saved].filter((note) => note !== undefined) }
}

const choiceOf = ({ tier, engine }: Timed): Choice => ({ tier, engine })

/** Whatever else decides which kernel is the fastest. */
function placeKey({ device, precision, session }: TunerPlace): string {
  const information: CudaInformation = loadBinding().cuda(device, session.index ?? 0)
  const { driver, cudnn, device: gpu } = information
  const words = [gpu?.name ?? device, `driver ${driver}`, `cuDNN ${cudnn}`, precision]
  if (session.deterministic === true) words.push('deterministic')
  if ((session.workspaceLimit ?? 0) > 0) words.push(`workspace ${session.workspaceLimit}`)
  return words.join(', ')
}

function isTimed(value: unknown): value is Timed {
  const { tier, engine, milliseconds } = (value ?? {}) as Partial<Record<keyof Timed, unknown>>
  return (tier === 0 || tier === 1 || tier === 2) && Number.isInteger(engine) && typeof milliseconds === 'number' && milliseconds >= 0
}

async function fastest(site: Site, place: TunerPlace, timer: Timer): Promise<Timed> {
  let best: Timed | undefined
  const { architecture, precision, session } = place
  for (const tier of tiersFor(architecture, precision, site, session.deterministic === true)) {
    for (let engine = 0; engine < MOST_ENGINES; engine++) {
      const milliseconds = await attempt(site, { tier, engine }, place, timer)
      // The list of engines has ended, or none of the tier can be built here.
      if (milliseconds === undefined) break
      if (best === undefined || milliseconds < best.milliseconds) best = { tier, engine, milliseconds }
    }
  }
  if (best === undefined) throw new PreresnetError('ERR_DEVICE', `no kernel of this GPU computes ${site.pass} of a convolution ${JSON.stringify(site)}`)
  return best
}

/** Milliseconds of one run of the site; undefined where there is no such engine, or memory does not suffice to try it. */
async function attempt(site: Site, choice: { tier: Tier; engine: number }, place: TunerPlace, timer: Timer): Promise<number | undefined> {
  const { device, precision, architecture } = place
  const { programs, repetitions, random } = siteProgram(site, choice, device, {
    precision,
    arch: architecture,
    deterministic: place.session.deterministic === true,
  })
  let native: NativeSession
  try {
    native = await loadBinding().createSession(JSON.stringify(programs), { threads: 0, ...place.session })
  } catch (error) {
    if (error instanceof PreresnetError && FORGIVABLE.includes(error.code)) return undefined
    throw error
  }
  try {
    await native.allocate()
    for (const name of random) await native.write(name, await values(programs.tensors.find((tensor) => tensor.name === name)!.shape, name))
    await native.run('fill', { steps: 1, seed: 1, firstStep: 0, learningRates: new Float64Array() })
    await timer(native, 2)
    const times: number[] = []
    for (let index = 0; index < REPETITIONS; index++) times.push(await timer(native, 1))
    return (1000 * times.sort((a, b) => a - b)[REPETITIONS >> 1]!) / repetitions
  } catch (error) {
    if (error instanceof PreresnetError && FORGIVABLE.includes(error.code)) return undefined
    throw error
  } finally {
    await native.dispose()
  }
}

/** As at the start of training, but for shifts, which then are zero. */
function values(shape: readonly number[], name: string): Promise<Float64Array> {
  const count = elements(shape)
  if (name === 'runningVar' || name === 'weight') return initialValues({ kind: 'constant', value: 1 }, count, 1, name)
  const deviation = shape.length === 4 ? Math.sqrt(2 / (count / shape[0]!)) : 1
  return initialValues({ kind: 'normal', deviation }, count, 1, name)
}

async function seconds(session: NativeSession, steps: number): Promise<number> {
  const { rows } = await session.run('time', { steps, seed: 1, firstStep: 0, learningRates: new Float64Array() })
  let total = 0
  for (let row = 0; row < rows.length; row += 6) total += rows[row + 5]!
  return total
}
