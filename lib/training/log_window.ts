/** What steps gave since the last line of the log. */
import { top1Shares, type StepMetrics } from '../runtime/metrics.js'
import type { StepEvent } from './run_events.js'
import type { WindowSums } from './state.js'

/** Sums since the last line of the log. They belong to a checkpoint, so that the first line after a resume is the one of a run that was not cut. */
export class LogWindow {
  #sums: WindowSums = noSums
  #lossScale: number | undefined

  get sums(): WindowSums {
    return this.#sums
  }

  /** Checkpoints of format 1 have none. */
  restore(sums: WindowSums = noSums): void {
    this.#sums = sums
  }

  add({ loss, samples, top1Hits, seconds, dataSeconds, skippedSteps, lossScale }: StepMetrics): void {
    const sums = this.#sums
    this.#sums = {
      loss: sums.loss + loss * samples,
      samples: sums.samples + samples,
      hits: sums.hits + top1Hits,
      seconds: sums.seconds + seconds,
      dataSeconds: sums.dataSeconds + dataSeconds,
      skippedSteps: sums.skippedSteps + skippedSteps,
    }
    this.#lossScale = lossScale
  }

  values(): Pick<StepEvent, 'loss' | 'top1Error' | 'top1Accuracy' | 'imagesPerSecond' | 'dataShare' | 'skippedSteps' | 'lossScale'> {
    const { loss, samples, hits, seconds, dataSeconds, skippedSteps } = this.#sums
    return {
      loss: loss / samples,
      ...top1Shares(samples, hits),
      imagesPerSecond: samples / seconds,
      dataShare: dataSeconds / seconds,
      skippedSteps,
      ...(this.#lossScale !== undefined && { lossScale: this.#lossScale }),
    }
  }

  clear(): void {
    this.#sums = noSums
  }
}

const noSums: WindowSums = { loss: 0, samples: 0, hits: 0, seconds: 0, dataSeconds: 0, skippedSteps: 0 }
