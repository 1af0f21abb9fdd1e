/** `fit`: trains a network on a dataset, with validation, checkpoints and logs. */
import type { Network } from '../layers/layer.js'
import { planFit, type FitOptions } from './fit_options.js'
import { EventStream } from './event_stream.js'
import { PreresnetError } from '../errors.js'
import type { RunEvent } from './run_events.js'
import type { TrainedModel } from './trained.js'
import { Trainer } from './trainer.js'

/** Kept for readers that come late or are slow. */
const keptEvents = 1000

/**
 * Starts training at once. Bad options throw here; everything later rejects `finished`. The library prints nothing and installs no
 * signal handlers: on SIGTERM a program calls `stop()`.
 */
export function fit(network: Network, options: FitOptions): Run {
  return new Run(network, options)
}

export class Run implements AsyncDisposable {
  /** May be ignored: events never slow the training, and only the newest are kept. Ends with the run, or throws its error. */
  readonly events: AsyncIterable<RunEvent>
  /** Rejects with the error, also when nobody reads the events. */
  readonly finished: Promise<TrainedModel>
  readonly #trainer: Trainer
  readonly #abort = new AbortController()

  /** @internal */
  constructor(network: Network, options: FitOptions) {
    const plan = planFit(network, options)
    const events = new EventStream<RunEvent>(keptEvents)
    const signal = plan.signal === undefined ? this.#abort.signal : AbortSignal.any([plan.signal, this.#abort.signal])
    this.#trainer = new Trainer(plan, signal, (event) => events.push(event))
    this.events = events
    this.finished = this.#trainer.run()
    // Both are told here, so that neither an unread stream nor an unawaited promise ends the process.
    this.finished.then(
      () => events.complete(),
      (error: unknown) => events.fail(error),
    )
  }

  /**
   * Ends after the current steps (a tenth of a second, or one step that takes longer), writes a checkpoint if checkpoints were asked for, and resolves with the model. A validation is
   * ended, and not reported; a run that resumes makes up for it. Before the first step, while images are decoded or kernels tuned, there is no model: rejects with ERR_ABORTED.
   */
  stop(): Promise<TrainedModel> {
    this.#trainer.stop()
    return this.finished
  }

  /** Ends a run that is still going on, between two operations and without saving, and waits until everything is freed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new PreresnetError('ERR_ABORTED', 'the run was disposed of'))
    await this.finished.catch(() => undefined)
  }
}
