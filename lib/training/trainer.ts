/** The loop behind `fit`: native calls of several steps, and between them what is due. */
import { throwIfAborted } from '../abort.js'
import { loader, type Loader } from '../data/loader.js'
import { warn } from '../data/warn.js'
import { PreresnetError } from '../errors.js'
import { pick } from '../options/check.js'
import { emaOptions } from '../options/averages.js'
import { checkReplaceable } from '../formats/files.js'
import { networkFromJson } from '../layers/json.js'
import { libraryVersion } from '../native/load.js'
import { checkOutputs, outputsOf } from '../runtime/outputs.js'
import { compileWith } from '../runtime/compile.js'
import { alone, type Ranks } from '../ranks/ranks.js'
import { evaluateBy, modelTensors, shareState } from '../runtime/internals.js'
import type { Evaluation } from '../runtime/metrics.js'
import type { ModelDescription } from '../runtime/model_file.js'
import type { Session } from '../runtime/session.js'
import { sharedOptions } from '../runtime/session_options.js'
import {
  listCheckpoints,
  pruneCheckpoints,
  publishCheckpoint,
  removeTemporary,
  restoreCheckpoint,
  snapshot,
  verifyCheckpoint,
  type CheckpointEntry,
} from './checkpoint.js'
import { DirectoryLock } from './directory_lock.js'
import { evaluatedInput, type FitPlan } from './fit_options.js'
import { normalizationRemark, openBatches, openImages, type RunImages } from './images.js'
import { LogWindow } from './log_window.js'
import { ManifestWriter } from './manifest.js'
import { stepsOfCall, stepsUntilDue } from './pace.js'
import { Probes } from './probes.js'
import { Profile } from './profile.js'
import type { FinishedEvent, RunEvent, StepEvent, ValidationEvent } from './run_events.js'
import { isValidated, RunLog } from './run_log.js'
import { differences, otherOptions, recipeOf, takenAgain, type Recipe } from './recipe.js'
import { readRecipe } from './recipe_formats.js'
import { checkSameRuns } from './same_runs.js'
import { bestOf, stateFormat, type Best, type StoredState } from './state.js'
import { TrainedModel } from './trained.js'

/** Corrupt images that are named; of a data set that is broken as a whole nobody wants a million lines. */
const namedCorrupt = 10

/** The program that validates on images of another size than training's. */
const validation = 'validate'

/** What was saved, and where. */
interface Resumed extends CheckpointEntry {
  readonly state: StoredState
  readonly recipe: Recipe
}

export class Trainer {
  readonly #plan: FitPlan
  readonly #ranks: Ranks
  readonly #signal: AbortSignal
  readonly #emit: (event: RunEvent) => void
  readonly #stopper = new AbortController()
  /** Ends what may end without a loss: all that comes before the first step, and a validation. */
  readonly #leave: AbortSignal
  #images: RunImages | undefined
  #best: Best | undefined
  #validation: ValidationEvent | undefined
  #savedStep = -1
  /** Whether the validation of this step was ended by a stop: whoever goes on from here begins with it. */
  #validationDue = false
  readonly #window = new LogWindow()
  /** Of all steps that this process did. */
  readonly #time = { seconds: 0, dataSeconds: 0 }
  readonly #corrupt = new Set<number>()

  constructor(plan: FitPlan, signal: AbortSignal, emit: (event: RunEvent) => void) {
    this.#plan = plan
    this.#ranks = plan.ranks ?? alone
    this.#signal = signal
    this.#leave = AbortSignal.any([signal, this.#stopper.signal])
    this.#emit = emit
  }

  /** Lets the current steps end, or ends the current validation; then the run saves and leaves. Before there is a session there is nothing to save: ERR_ABORTED. */
  stop(): void {
    this.#stopper.abort(new PreresnetError('ERR_ABORTED', 'the run was stopped before its first step'))
  }

  get #stopping(): boolean {
    return this.#stopper.signal.aborted
  }

  /** Rank 0 alone locks, logs and saves. */
  get #leads(): boolean {
    return this.#ranks.rank === 0
  }

  async run(): Promise<TrainedModel> {
    try {
      return await this.#run()
    } catch (error) {
      this.#ranks.fail(error)
      throw error
    }
  }

  async #run(): Promise<TrainedModel> {
    const { network, train, checkpoint, output: logs } = this.#plan
    const start = performance.now()
    throwIfAborted(this.#signal)
    // Exactly, where a session would do with fewer: an output without a class is one that training only pushes down.
    checkOutputs('fit: train', train, { name: network.name, outputs: outputsOf(network) }, { exactly: true })
    if (this.#plan.profile !== undefined && this.#leads) await checkReplaceable(this.#plan.profile)
    const directories = [checkpoint?.directory, logs].filter((directory) => directory !== undefined)
    await using _lock = await DirectoryLock.takeAll(this.#leads ? directories : [])
    const resumed = await this.#ranks.same(this.#leads ? await this.#findCheckpoint() : undefined)
    const images = await openImages(this.#plan, this.#leave)
    this.#images = images
    await checkSameRuns(this.#ranks, this.#plan, images.prepare)
    // Before there is a session, which would refuse in its own words what another device does not have.
    if (resumed !== undefined) checkSame(this.#plan, resumed, recipeOf(this.#plan, takenAgain(this.#plan, resumed.recipe), images.prepare))
    await using batches = openBatches(this.#plan, images, this.#ranks)
    await using session = await this.#openSession(batches, resumed)
    const recipe = recipeOf(this.#plan, session, images.prepare)
    if (resumed !== undefined) await this.#resume(session, recipe, resumed)
    else await this.#initialize(session)
    throwIfAborted(this.#signal)
    const output = await this.#openOutput(session, recipe)
    try {
      this.#emit(this.#startEvent(session, resumed))
      const outcome = await this.#loop(session, recipe, batches, output?.log)
      await output?.manifest.finish(outcome, session.stepIndex)
      this.#emit({ kind: 'finished', step: session.stepIndex, outcome, seconds: (performance.now() - start) / 1000, ...this.#wholeRun() })
      return await this.#trained(session, outcome)
    } catch (error) {
      // The error that ended the run matters more than one of its log.
      await output?.manifest.finish('failed', session.stepIndex, error).catch(() => undefined)
      throw error
    } finally {
      await output?.log.close()
    }
  }

  async #loop(session: Session, recipe: Recipe, batches: Loader, log: RunLog | undefined): Promise<'completed' | 'stopped'> {
    const { steps, learningRate, logEvery, validateEvery, checkpoint, validate } = this.#plan
    const periods = [logEvery, ...(validate ? [validateEvery] : []), ...(checkpoint ? [checkpoint.every] : [])]
    const profile = this.#plan.profile === undefined || !this.#leads ? undefined : new Profile(this.#plan.profile, session.stepIndex, steps)
    const probes = await Probes.open(this.#plan, this.#images!, session.stepIndex)
    let secondsPerStep = 0
    if (validate !== undefined && this.#validationDue) await this.#validate(session, recipe, log)
    for (;;) {
      await probes?.take(session)
      const due = Math.min(stepsUntilDue(session.stepIndex, steps, periods), probes?.until(session.stepIndex) ?? Infinity)
      const profiled = profile?.next(session.stepIndex)
      const wanted = profiled === undefined ? stepsOfCall(secondsPerStep, due) : Math.min(profiled.steps, due)
      // Who stops, and how many steps the next call has, hangs on clocks and signals: the ranks agree.
      const [{ count }, stopping] = await this.#agree({ count: wanted })
      if (session.stepIndex >= steps || stopping) break
      this.#ranks.doing(count === 1 ? `step ${session.stepIndex}` : `steps ${session.stepIndex} to ${session.stepIndex + count - 1}`)
      const metrics = await session.steps(count, { learningRate, signal: this.#signal, trace: profiled?.trace ?? false })
      if (profiled?.trace === true) await profile!.add(session, count)
      secondsPerStep = metrics.seconds / metrics.steps
      const step = session.stepIndex
      this.#window.add(metrics)
      this.#time.seconds += metrics.seconds
      this.#time.dataSeconds += metrics.dataSeconds
      this.#noteCorrupt(batches)
      const event = this.#stepEvent(step, secondsPerStep)
      this.#emit(event)
      if (event.logged) {
        await log?.train(event)
        this.#window.clear()
      }
      const last = step === steps
      if (validate !== undefined && (last || step % validateEvery === 0)) await this.#validate(session, recipe, log)
      if (checkpoint !== undefined && (last || step % checkpoint.every === 0)) await this.#save(session, recipe)
    }
    if (session.stepIndex < steps || this.#validationDue) {
      await this.#save(session, recipe)
      return 'stopped'
    }
    // A run that was complete when it was resumed: its log has this validation already.
    if (validate === undefined || this.#validation !== undefined) return 'completed'
    return (await this.#validate(session, recipe, undefined)) ? 'completed' : 'stopped'
  }

  async #openSession(data: Loader, resumed: Resumed | undefined): Promise<Session> {
    const { network, cuda } = this.#plan
    // Where the options leave it open, what was taken before: other kernels would give other bits.
    const { device, precision, choices } = resumed === undefined ? { ...this.#plan, choices: undefined } : takenAgain(this.#plan, resumed.recipe)
    const settings = resumed?.recipe.device === 'cuda' ? { ...cuda, tune: choices ?? false } : cuda
    const { ema, evaluationInput, weights } = this.#plan
    const options = {
      ...pick(sharedOptions, this.#plan),
      data,
      prepare: data.prepare,
      device,
      precision,
      ...(settings && { cuda: settings }),
      ...(ema && { ema: pick(emaOptions, ema) }),
      signal: this.#leave,
    }
    return compileWith(network, options, () => (evaluationInput === undefined ? [] : [{ name: validation, kind: 'evaluate', input: evaluationInput, weights }]))
  }

  async #findCheckpoint(): Promise<Resumed | undefined> {
    const { checkpoint } = this.#plan
    if (checkpoint === undefined) return undefined
    const { directory, resume } = checkpoint
    const newest = (await listCheckpoints(directory)).at(-1)
    if (newest === undefined || resume) await removeTemporary(directory)
    if (newest === undefined) return undefined
    if (!resume) {
      throw new PreresnetError(
        'ERR_CHECKPOINT',
        `${directory}: holds checkpoints of an earlier run, up to step ${newest.step}; resume that run (--resume, in code checkpoint.resume: true), or take another directory`,
      )
    }
    const state = await verifyCheckpoint(newest.path)
    return { ...newest, state, recipe: await readRecipe(state, newest.path, this.#plan, this.#signal) }
  }

  /** What rank 0 has in mind, and whether any rank was told to stop. */
  async #agree<T>(own: T): Promise<[T, boolean]> {
    const all = await this.#ranks.gather({ own, stopping: this.#stopping })
    return [all[0]!.own, all.some(({ stopping }) => stopping)]
  }

  async #initialize(session: Session): Promise<void> {
    const { initialize } = this.#plan
    if (initialize === undefined) return
    if (this.#leads) await session.load(initialize.from, { except: initialize.except, normalization: 'any', classes: 'any' })
    await shareState(session, 'everything')
  }

  async #resume(session: Session, recipe: Recipe, resumed: Resumed): Promise<void> {
    const { path, state, step } = resumed
    checkSame(this.#plan, resumed, recipe)
    if (step > this.#plan.steps) throw new PreresnetError('ERR_CHECKPOINT', `${path}: has ${step} steps, more than the ${this.#plan.steps} that were asked for`)
    if (this.#leads) await restoreCheckpoint(session, path, state)
    await shareState(session, 'everything')
    session.stepIndex = step
    this.#best = bestOf(state)
    this.#savedStep = step
    this.#window.restore(state.window)
    this.#validationDue = await this.#ranks.same(state.validationDue === true && !(await isValidated(this.#plan.output, step)))
  }

  async #openOutput(session: Session, recipe: Recipe): Promise<{ log: RunLog; manifest: ManifestWriter } | undefined> {
    const { output } = this.#plan
    if (output === undefined || !this.#leads) return undefined
    const log = await RunLog.open(output, session.stepIndex)
    try {
      return { log, manifest: await ManifestWriter.start(output, recipe, session.stepIndex, otherOptions(this.#plan)) }
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Whether it was done: a stop ends it. */
  async #validate(session: Session, recipe: Recipe, log: RunLog | undefined): Promise<boolean> {
    const { stepsPerEpoch, checkpoint } = this.#plan
    const step = session.stepIndex
    this.#ranks.doing(`validation of step ${step}`)
    await shareState(session, 'statistics')
    const evaluation = await this.#evaluate(session).catch((error: unknown) => {
      const stopped = this.#stopping || this.#ranks.size > 1
      if (!stopped || this.#signal.aborted || !(error instanceof PreresnetError && error.code === 'ERR_ABORTED')) throw error
      return undefined
    })
    this.#validationDue = evaluation === undefined
    if (evaluation === undefined) return false
    const best = this.#best === undefined || evaluation.top1Error < this.#best.top1Error
    if (best) this.#best = { step, top1Error: evaluation.top1Error, top1Accuracy: evaluation.top1Accuracy }
    const event: ValidationEvent = { ...evaluation, kind: 'validation', step, epoch: step / stepsPerEpoch, best }
    this.#validation = event
    this.#emit(event)
    await log?.validation(event)
    if (best && checkpoint !== undefined) await this.#save(session, recipe)
    return true
  }

  async #evaluate(session: Session): Promise<Evaluation> {
    const { workers, corrupt, weights, evaluationInput } = this.#plan
    const { validate, prepare } = this.#images!
    const signal = this.#leave
    if (evaluationInput === undefined) return session.evaluate(validate!, { signal, workers, corrupt, weights })
    const { rank, size: ranks } = this.#ranks
    const batch = session.programs.programs[validation]!.batch * ranks
    const input = evaluatedInput(this.#plan)
    await using feed = loader(validate!, { input, mode: 'evaluate', prepare: { ...prepare, train: [] }, batch, rank, ranks, workers, corrupt })
    return await evaluateBy(session, validation, feed, signal)
  }

  /** At most once a step. */
  async #save(session: Session, recipe: Recipe): Promise<void> {
    const { checkpoint, batch, stepsPerEpoch } = this.#plan
    const step = session.stepIndex
    if (checkpoint === undefined || step === this.#savedStep) return
    this.#ranks.doing(`checkpoint of step ${step}`)
    this.#savedStep = step
    if (!this.#leads) return
    const path = await publishCheckpoint(checkpoint.directory, await snapshot(session), this.#description(), {
      format: stateFormat,
      version: libraryVersion(),
      step,
      samples: step * batch,
      epoch: Math.floor(step / stepsPerEpoch),
      recipe,
      best: this.#best ?? null,
      window: this.#window.sums,
      ...(this.#validationDue && { validationDue: true }),
      savedAt: new Date().toISOString(),
    })
    await pruneCheckpoints(checkpoint.directory, checkpoint.keep, this.#best?.step)
    this.#emit({ kind: 'checkpoint', step, path })
  }

  /** Each corrupt image is named once, by a warning of the process. */
  #noteCorrupt({ corruptImages }: Loader): void {
    for (const { sample, reason } of corruptImages) {
      if (this.#corrupt.has(sample)) continue
      this.#corrupt.add(sample)
      if (this.#corrupt.size <= namedCorrupt) warn(`skipped: ${reason}`)
      else if (this.#corrupt.size === namedCorrupt + 1) warn('more images are skipped, which are counted and not named')
    }
  }

  #wholeRun(): Pick<FinishedEvent, 'dataShare' | 'corruptImages'> {
    const { seconds, dataSeconds } = this.#time
    return { dataShare: seconds === 0 ? 0 : dataSeconds / seconds, corruptImages: this.#corrupt.size }
  }

  #stepEvent(step: number, secondsPerStep: number): StepEvent {
    const { steps, stepsPerEpoch, learningRate, logEvery } = this.#plan
    return {
      kind: 'step',
      step,
      steps,
      epoch: step / stepsPerEpoch,
      ...this.#window.values(),
      learningRate: learningRate.at(step - 1),
      secondsLeft: (steps - step) * secondsPerStep,
      corruptImages: this.#corrupt.size,
      memory: process.memoryUsage.rss(),
      logged: step % logEvery === 0 || step === steps,
    }
  }

  #startEvent(session: Session, resumed: Resumed | undefined): RunEvent {
    const { steps, stepsPerEpoch, network } = this.#plan
    const parameters = session.graph.parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
    return {
      kind: 'start',
      step: session.stepIndex,
      steps,
      stepsPerEpoch,
      network: network.name,
      parameters,
      device: session.device,
      precision: session.precision,
      precisionReason: session.precisionReason,
      memory: session.memory.total,
      ...(resumed && { resumedFrom: resumed.path }),
    }
  }

  #description(): ModelDescription {
    const { network, train, evaluationInput } = this.#plan
    const evaluated = evaluationInput === undefined ? network : networkFromJson({ ...network, input: evaluatedInput(this.#plan) })
    return { network: evaluated, prepare: this.#images!.prepare, classes: train.classes }
  }

  async #trained(session: Session, outcome: 'completed' | 'stopped'): Promise<TrainedModel> {
    await shareState(session, 'statistics')
    return new TrainedModel({
      step: session.stepIndex,
      outcome,
      description: this.#description(),
      tensors: await modelTensors(session, this.#plan.weights),
      validation: this.#validation,
      best: this.#best,
    })
  }
}

function checkSame(plan: FitPlan, { path, recipe: saved }: Resumed, recipe: Recipe): void {
  const remark = normalizationRemark(plan)
  const lines = differences(saved, recipe).map((line) => (line.startsWith('prepare.normalization:') ? `${line}${remark}` : line))
  if (lines.length > 0) throw new PreresnetError('ERR_CHECKPOINT', `${path}: the checkpoint is of another run: ${lines.join('; ')}`)
}
