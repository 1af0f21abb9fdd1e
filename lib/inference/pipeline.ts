/** From images to answers: accepted or refused, decoded, gathered into batches, computed. */
import { throwIfAborted } from '../abort.js'
import { PreresnetError } from '../errors.js'
import { BatchQueue, type BatchLimits } from './batch_queue.js'
import { Request } from './request.js'

/** What a classifier has done since it was loaded, and what it does now. */
export interface ClassifierStatistics {
  /** The number of images that wait to be read, decoded or computed is at least 0. */
  readonly queued: number
  /** The number of images in runs that are under way is at least 0. */
  readonly computing: number
  /** The numbers of images, each at least 0, say how they ended. */
  readonly images: {
    /** These got their answers. */
    readonly answered: number
    /** These could not be read or decoded, or their run failed. */
    readonly failed: number
    /** These were ended by a signal, by `dispose()`, or by the failure of another image of the same call. */
    readonly aborted: number
    /** These were refused with ERR_BUSY. */
    readonly refused: number
  }
  /** The numbers of runs [batch] are at least 0: entry n - 1 is of runs of n images. */
  readonly batches: readonly number[]
  /** The seconds that were spent are sums since loading, each at least 0. */
  readonly seconds: {
    /** Images waited so long for their turn, all together: those that were computed. */
    readonly queue: number
    /** Images were decoded for so long, all together, on several threads at a time. */
    readonly decode: number
    /** Runs took so long, all together, also where two overlap. */
    readonly compute: number
  }
}

export interface Decoded {
  readonly pixels: Uint8Array
  readonly seconds: number
}

export interface PipelineSteps<In, Out> extends Pick<BatchLimits<never>, 'most' | 'runs' | 'maxDelay' | 'turn'> {
  /** Images that may wait. */
  readonly maxQueue: number
  /** Hands out what ends the decoding, as often as it changes. */
  decode(image: In, waits: (stepOut: () => void) => void): Promise<Decoded>
  /** Of 1 to `most` images. */
  compute(pixels: readonly Uint8Array[]): Promise<readonly Out[]>
}

interface Ready<Out> {
  readonly request: Request<Out>
  readonly decoded: Decoded
}

export class Pipeline<In, Out> {
  readonly #steps: PipelineSteps<In, Out>
  readonly #queue: BatchQueue<Ready<Out>>
  readonly #queued = new Set<Request<Out>>()
  readonly #computing = new Set<Request<Out>>()
  readonly #images = { answered: 0, failed: 0, aborted: 0, refused: 0 }
  readonly #batches: number[]
  readonly #seconds = { queue: 0, decode: 0, compute: 0 }
  #closed: PreresnetError | undefined

  constructor(steps: PipelineSteps<In, Out>) {
    this.#steps = steps
    this.#batches = new Array<number>(steps.most).fill(0)
    this.#queue = new BatchQueue({ ...steps, run: (ready) => this.#run(ready) })
  }

  get statistics(): ClassifierStatistics {
    return {
      queued: this.#queued.size,
      computing: this.#computing.size,
      images: { ...this.#images },
      batches: [...this.#batches],
      seconds: { ...this.#seconds },
    }
  }

  /** All of the images, or none; where one fails, the others leave. */
  async ask(images: readonly In[], signal: AbortSignal | undefined): Promise<Out[]> {
    if (this.#closed !== undefined) throw this.#closed
    throwIfAborted(signal)
    const { maxQueue } = this.#steps
    const waiting = this.#queued.size + images.length
    if (waiting > maxQueue) {
      this.#images.refused += images.length
      throw new PreresnetError('ERR_BUSY', `expected at most ${maxQueue} images that wait (maxQueue), got ${waiting}`)
    }
    const requests = images.map((image) => this.#accept(image, signal))
    try {
      return await Promise.all(requests.map(({ answer }) => answer))
    } catch (error) {
      for (const request of requests) request.leave(error)
      throw error
    }
  }

  /** Whatever has no answer yet is rejected with `now`, and what comes later with `later`. */
  close(now: PreresnetError, later: PreresnetError): void {
    this.#closed ??= later
    for (const request of [...this.#queued, ...this.#computing]) request.leave(now)
  }

  #accept(image: In, signal: AbortSignal | undefined): Request<Out> {
    const request = new Request<Out>(signal, (ending) => {
      this.#images[ending]++
      this.#queued.delete(request)
      this.#computing.delete(request)
    })
    this.#queued.add(request)
    void this.#prepare(request, image)
    return request
  }

  async #prepare(request: Request<Out>, image: In): Promise<void> {
    try {
      const decoded = await this.#steps.decode(image, (stepOut) => request.waits(stepOut))
      this.#seconds.decode += decoded.seconds
      if (!request.hasEnded) request.waits(this.#queue.add({ request, decoded }))
    } catch (error) {
      request.fail(error)
    }
  }

  async #run(ready: readonly Ready<Out>[]): Promise<void> {
    const begin = performance.now()
    for (const { request, decoded } of ready) {
      this.#queued.delete(request)
      this.#computing.add(request)
      this.#seconds.queue += Math.max(0, (begin - request.since) / 1000 - decoded.seconds)
    }
    this.#batches[ready.length - 1]!++
    try {
      const answers = await this.#steps.compute(ready.map(({ decoded }) => decoded.pixels))
      ready.forEach(({ request }, index) => request.succeed(answers[index]!))
    } catch (error) {
      for (const { request } of ready) request.fail(error)
    }
    this.#seconds.compute += (performance.now() - begin) / 1000
  }
}
