/**
 * Which kernel for which convolution: every candidate of every distinct layer is run and timed once, before the first step, and the choice
 * remembered under GPU, driver, cuDNN, our own build, precision and shape. Rules (compiler/lower/engines.ts) say what can be chosen from.
 */
import { elements } from '../compiler/layout.js'
import { tiersFor, type Choice, type Choices, type Site } from '../compiler/lower/engines.js'
import { siteKey } from '../compiler/lower/target.js'
import type { Precision } from '../compiler/program.js'
import { sitePrograms, type SitePrograms } from '../compiler/tune/site_program.js'
import { throwIfAborted } from '../abort.js'
import { type ErrorCode, PreresnetError } from '../errors.js'
import { libraryBuild, loadBinding } from '../native/load.js'
import type { CudaSessionOptions, NativeSession } from '../native/types.js'
import { initialValues } from './random.js'
import { Remembered } from './remembered.js'

export interface TunerDevice {
  readonly precision: Precision
  readonly architecture: number
  readonly session: CudaSessionOptions
}

interface Tuning {
  readonly choices: Choices
  /** What was found for each site, now or before. */
  readonly found: ReadonlyMap<string, Timed>
  /** Layers that were timed now; the others were remembered. */
  readonly timed: number
  /** What a person should know: a cache that could not be used, a kernel that failed. */
  readonly notes: readonly string[]
}

/** A candidate and the milliseconds of one run of it. */
interface Trial extends Choice {
  readonly milliseconds: number
}

/** The fastest, as it is kept in the cache, with all that ran. */
interface Timed extends Trial {
  readonly tried: readonly Trial[]
}

/** Told before the first layer and after each; only where something is left to be timed. */
type TuningProgress = (done: number, total: number) => void

/** Seconds that `steps` runs of a program take. Replaced in tests, which never look at a clock. */
export type Timer = (session: NativeSession, program: string, steps: number) => Promise<number>

/** cuDNN's heuristics list the likely ones first. */
const MOST_ENGINES = 6
const REPETITIONS = 7
/** Of one measurement: they overlap at their ends, so that waiting for the device counts once. */
const STEPS = 4
/** The first runs are launched one by one and then captured, once for each of the two slots. */
const WARM_UP = 3
/** Two runs of the same kernel differ by less than that: such a candidate is not run again, and after two of them in a row the tier's others are not tried. */
const HOPELESS = 2
const PATIENCE = 2

/** What was found until then is remembered where tuning is ended: ERR_ABORTED once the signal says so. */
export async function tune(
  sites: ReadonlyMap<string, Site>,
  device: TunerDevice,
  options: { readonly timer?: Timer; readonly signal?: AbortSignal; readonly progress?: TuningProgress } = {},
): Promise<Tuning> {
  const remembered = await Remembered.open('cuda-tuning', await cacheKeyOf(device), isTimed)
  const missing = [...sites].filter(([key]) => !remembered.entries.has(key))
  let saved: string | undefined
  const failures: string[] = []
  if (missing.length > 0) options.progress?.(0, missing.length)
  for (const [index, [key, site]] of missing.entries()) {
    throwIfAborted(options.signal)
    const trials = new Trials(site, device, options.timer ?? seconds, options.signal)
    remembered.entries.set(key, await trials.fastest())
    failures.push(...trials.failures.map((failure) => `${key}: ${failure}`))
    saved = await remembered.save()
    options.progress?.(index + 1, missing.length)
  }
  const found = new Map([...sites.keys()].map((key) => [key, remembered.entries.get(key) as Timed]))
  const choices = Object.fromEntries([...found].map(([key, { tier, engine }]) => [key, { tier, engine }]))
  return { choices, found, timed: missing.length, notes: [remembered.note, saved, ...failures].filter((note) => note !== undefined) }
}

/** Whatever else decides which kernel is the fastest. */
async function cacheKeyOf({ precision, session }: TunerDevice): Promise<string> {
  const binding = loadBinding()
  const { driver, cudnn, device: gpu } = binding.cuda(session.index ?? 0)
  const words = [gpu?.name ?? 'cuda', `driver ${driver}`, `cuDNN ${cudnn}`, `preresnet ${binding.version} ${await libraryBuild()}`, precision]
  if (session.deterministic === true) words.push('deterministic')
  if ((session.workspaceLimit ?? 0) > 0) words.push(`workspace ${session.workspaceLimit}`)
  return words.join(', ')
}

function isTrial(value: unknown): value is Trial {
  const { tier, engine, milliseconds } = (value ?? {}) as Partial<Record<keyof Trial, unknown>>
  return (tier === 0 || tier === 1 || tier === 2) && Number.isInteger(engine) && typeof milliseconds === 'number' && milliseconds >= 0
}

function isTimed(value: unknown): value is Timed {
  const { tried } = (value ?? {}) as { readonly tried?: unknown }
  return isTrial(value) && Array.isArray(tried) && tried.every(isTrial)
}

/** The candidates of one site. */
class Trials {
  /** Candidates that failed where they ran. */
  readonly failures: string[] = []

  constructor(
    private readonly site: Site,
    private readonly device: TunerDevice,
    private readonly timer: Timer,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async fastest(): Promise<Timed> {
    const { site, device } = this
    const tiers = tiersFor(device.architecture, device.precision, site, device.session.deterministic === true)
    const all = tiers.flatMap((tier) => Array.from({ length: MOST_ENGINES }, (_, engine): Choice => ({ tier, engine })))
    const tried = (await unless(['ERR_MEMORY', 'ERR_DEVICE'], this.attempt(all))) ?? (await this.oneByOne(all))
    if (tried.length === 0) {
      const why = this.failures.at(-1) ?? 'none can be built, or none fits into memory'
      throw new PreresnetError('ERR_DEVICE', `no kernel of this GPU computes ${siteKey(site)}: ${why}`)
    }
    const best = tried.reduce((a, b) => (b.milliseconds < a.milliseconds ? b : a))
    return { ...best, tried }
  }

  /** Where memory does not suffice for what the greediest wants, or one that failed took the session with it: those that can are tried. */
  private async oneByOne(choices: readonly Choice[]): Promise<readonly Trial[]> {
    const tried: Trial[] = []
    for (const choice of choices) {
      throwIfAborted(this.signal)
      try {
        tried.push(...((await unless(['ERR_MEMORY'], this.attempt([choice]))) ?? []))
      } catch (error) {
        if (!(error instanceof PreresnetError && error.code === 'ERR_DEVICE')) throw error
        this.failures.push(`tier ${choice.tier}, engine ${choice.engine} is left out: ${error.message}`)
      }
    }
    return tried
  }

  /** In one session, over the same tensors. */
  private async attempt(choices: readonly Choice[]): Promise<readonly Trial[]> {
    const { precision, architecture, session } = this.device
    const set = sitePrograms(this.site, choices, { precision, arch: architecture, deterministic: session.deterministic === true })
    const native = await loadBinding().createSession(JSON.stringify(set.programs), { threads: 0, cuda: { ...session, partial: true } }, this.signal)
    try {
      await native.allocate()
      await fill(native, set)
      return await timeAll(native, set, this.timer, this.signal)
    } finally {
      await native.dispose()
    }
  }
}

/** What a promise resolves with; undefined where it is refused with one of these codes. */
async function unless<T>(codes: readonly ErrorCode[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof PreresnetError && codes.includes(error.code)) return undefined
    throw error
  }
}

/** A candidate that cannot be built is passed over; so is the rest of a tier's list once it is behind for good. */
async function timeAll(
  native: NativeSession,
  { candidates, repetitions }: SitePrograms,
  timer: Timer,
  signal: AbortSignal | undefined,
): Promise<readonly Trial[]> {
  const tried: Trial[] = []
  const behind = new Map<Choice['tier'], number>()
  let best = Infinity
  for (const { choice, program } of candidates) {
    throwIfAborted(signal)
    const losses = behind.get(choice.tier) ?? 0
    if (losses >= PATIENCE) continue
    const time = await unless(['ERR_UNSUPPORTED'], timeOne(native, program, timer, best * HOPELESS))
    if (time === undefined) continue
    behind.set(choice.tier, time > best * HOPELESS ? losses + 1 : 0)
    best = Math.min(best, time)
    tried.push({ ...choice, milliseconds: (1000 * time) / repetitions })
  }
  return tried
}

/** Seconds of a run, the median of several; of two, the shorter, where both are longer than `limit`. */
async function timeOne(native: NativeSession, program: string, timer: Timer, limit: number): Promise<number> {
  await timer(native, program, WARM_UP)
  const times: number[] = []
  while (times.length < REPETITIONS) {
    times.push((await timer(native, program, STEPS)) / STEPS)
    if (times.length === 2 && Math.min(...times) > limit) return Math.min(...times)
  }
  return times.sort((a, b) => a - b)[REPETITIONS >> 1]!
}

/** As at the start of training, but for shifts, which then are zero. */
async function fill(native: NativeSession, { programs, random }: SitePrograms): Promise<void> {
  const shapes = new Map(programs.tensors.map(({ name, shape }) => [name, shape]))
  // The weights of all sets are alike.
  const known = new Map<string, Float64Array>()
  for (const name of random) {
    const shape = shapes.get(name)!
    const kind = shape.length === 4 ? 'filters' : name
    let all = known.get(kind)
    if (all === undefined) known.set(kind, (all = await values(shape, name)))
    await native.write(name, all)
  }
  await native.run('fill', { steps: 1, seed: 1, firstStep: 0, learningRates: new Float64Array() })
}

const DRAWN = 1 << 16
let drawn: Promise<Float64Array> | undefined

/** Normal numbers, over and over the same ones: no kernel knows, and more would take longer to draw than all kernels to run. */
async function values(shape: readonly number[], name: string): Promise<Float64Array> {
  const result = new Float64Array(elements(shape))
  if (name === 'runningVar' || name === 'weight') return result.fill(1)
  const [, channels = 1, height = 1, width = 1] = shape
  const std = shape.length === 4 ? Math.sqrt(2 / (channels * height * width)) : 1
  const normal = await (drawn ??= initialValues({ kind: 'normal', std: 1 }, DRAWN, 1, 'tuner'))
  for (let index = 0; index < result.length; index++) result[index] = std * normal[index % DRAWN]!
  return result
}

async function seconds(session: NativeSession, program: string, steps: number): Promise<number> {
  const { rows } = await session.run(program, { steps, seed: 1, firstStep: 0, learningRates: new Float64Array() })
  let total = 0
  for (let row = 0; row < rows.length; row += 6) total += rows[row + 5]!
  return total
}
