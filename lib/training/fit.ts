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
 * Starts training at once. The library prints nothing and installs no signal handlers: on SIGTERM a program calls `stop()`. What goes wrong later rejects
 * `finished`, such as ERR_NOT_FINITE, ERR_DATASET, ERR_CHECKPOINT and ERR_MEMORY.
 * @param network - What `network`, `preResNet` or `networkFromJson` made.
 * @param options - The images, how long, and how.
 * @throws ERR_OPTION where an option is unknown or out of range.
 */
export function fit(network: Network, options: FitOptions): Run {
  return new Run(network, options)
}

/** A run trains in the background; `fit` starts it. */
export class Run implements AsyncDisposable {
  /** The events of the run may be ignored: they never slow the training, and only the newest are kept. They end with the run, or throw its error. */
  readonly events: AsyncIterable<RunEvent>
  /** The promise of the trained model rejects with the run's error, also when nobody reads the events. */
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
   * Ends the run after the current call (a tenth of a second), writes a checkpoint if checkpoints were asked for, and resolves with the model.
   * @throws ERR_ABORTED where `signal` or `await using` ended the run before.
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
