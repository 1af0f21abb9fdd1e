/** What a run leaves on disk beside checkpoints: metrics.jsonl and a TensorBoard event file. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EventFileWriter } from '../formats/events.js'
import { fileError, removeTemporaries } from '../formats/files.js'
import { filterJsonLines, JsonLinesWriter, readJsonLines } from '../formats/jsonl.js'
import { makeDirectory } from '../directory.js'
import type { StepEvent, ValidationEvent } from './run_events.js'

const eventFile = /^events\.out\.tfevents\..*\.preresnet$/

/** A line of metrics.jsonl is of training or of a validation. */
export type MetricsLine = TrainLine | ValidationLine

/** What training did since the line before. */
export interface TrainLine {
  readonly kind: 'train'
  /** The number of steps done is at least 1. */
  readonly step: number
  /** The number of passes over the data that are done is at least 0, with the fraction of the current one. */
  readonly epoch: number
  /** The mean loss is in nats, at least 0. */
  readonly loss: number
  /** The share of errors is from 0 to 1, of training images as augmented. */
  readonly top1Error: number
  /** The share of right first guesses is from 0 to 1, of training images as augmented. */
  readonly top1Accuracy: number
  /** The rate of the last step is at least 0. */
  readonly learningRate: number
  /** The number of images that were trained on in a second is at least 0. */
  readonly imagesPerSecond: number
  /** The share of time spent waiting for data is from 0 to 1. */
  readonly dataShare: number
  /** The number of training images that could not be decoded is at least 0; it is absent where there was none. */
  readonly corruptImages?: number
  /** The seconds since the process took up the run are at least 0. */
  readonly seconds: number
  /** The number of resident bytes of the process is at least 0. */
  readonly memory: number
  /** The number of steps whose gradients overflowed is at least 0; it is absent without a loss scale. */
  readonly skippedSteps?: number
  /** The factor on gradients is from 2^-64 up to 2^64; it is absent without a loss scale. */
  readonly lossScale?: number
}

/** What a validation counted. */
export interface ValidationLine {
  readonly kind: 'validation'
  /** The number of steps done is at least 1. */
  readonly step: number
  /** The number of passes over the training images that are done is at least 0, with the fraction of the current one. */
  readonly epoch: number
  /** The number of samples is at least 1. */
  readonly samples: number
  /** The mean cross-entropy is in nats, at least 0. */
  readonly loss: number
  /** The share of the samples whose label was not the first guess is from 0 to 1. */
  readonly top1Error: number
  /** The share of the samples whose label was not among the first five guesses is from 0 to 1. */
  readonly top5Error: number
  /** The share of the samples whose label was the first guess is from 0 to 1. */
  readonly top1Accuracy: number
  /** The share of the samples whose label was among the first five guesses is from 0 to 1. */
  readonly top5Accuracy: number
  /** The seconds that it took are at least 0. */
  readonly seconds: number
}

export class RunLog {
  readonly #lines: JsonLinesWriter
  readonly #events: EventFileWriter
  readonly #start = performance.now()

  private constructor(lines: JsonLinesWriter, events: EventFileWriter) {
    this.#lines = lines
    this.#events = events
  }

  /** A run that starts at step 0 replaces an earlier run's files; a resumed one drops what lies beyond its checkpoint. */
  static async open(directory: string, firstStep: number): Promise<RunLog> {
    const path = join(directory, 'metrics.jsonl')
    try {
      await makeDirectory(directory)
      await removeTemporaries(path) // The run has the directory to itself.
      const names = await readdir(directory)
      if (firstStep === 0) {
        for (const name of names) if (eventFile.test(name) || name === 'metrics.jsonl') await rm(join(directory, name))
      } else if (names.includes('metrics.jsonl')) await filterJsonLines(path, ({ step }) => (step as number) <= firstStep)
    } catch (error) {
      throw fileError('could not prepare', directory, error)
    }
    return new RunLog(await JsonLinesWriter.open(path), await EventFileWriter.create(directory, firstStep))
  }

  async train(event: StepEvent): Promise<void> {
    const { step, epoch, loss, top1Error, top1Accuracy, learningRate, imagesPerSecond, dataShare, corruptImages, memory, skippedSteps, lossScale } = event
    const seconds = (performance.now() - this.#start) / 1000
    const scale = lossScale === undefined ? {} : { skippedSteps, lossScale }
    const left = corruptImages === 0 ? {} : { corruptImages }
    const line: TrainLine = {
      kind: 'train',
      step,
      epoch,
      loss,
      top1Error,
      top1Accuracy,
      learningRate,
      imagesPerSecond,
      dataShare,
      ...left,
      seconds,
      memory,
      ...scale,
    }
    await this.#lines.write({ ...line })
    await this.#scalars(step, {
      'train/loss': loss,
      'train/top1_accuracy': top1Accuracy,
      'train/top1_error': top1Error,
      lr: learningRate,
      'perf/images_per_second': imagesPerSecond,
      'perf/data_share': dataShare,
    })
  }

  async validation({ step, epoch, samples, loss, top1Error, top5Error, top1Accuracy, top5Accuracy }: ValidationEvent): Promise<void> {
    const seconds = (performance.now() - this.#start) / 1000
    const line: ValidationLine = { kind: 'validation', step, epoch, samples, loss, top1Error, top5Error, top1Accuracy, top5Accuracy, seconds }
    await this.#lines.write({ ...line })
    await this.#scalars(step, {
      'val/loss': loss,
      'val/top1_accuracy': top1Accuracy,
      'val/top1_error': top1Error,
      'val/top5_accuracy': top5Accuracy,
      'val/top5_error': top5Error,
    })
  }

  async #scalars(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    await this.#events.write({ wallTime: Date.now() / 1000, step, scalars })
  }

  async close(): Promise<void> {
    await this.#lines.close()
    await this.#events.close()
  }
}

/** Whether a run's log has the validation of that step. */
export async function isValidated(output: string | undefined, step: number): Promise<boolean> {
  if (output === undefined) return false
  const lines = await readJsonLines(join(output, 'metrics.jsonl')).catch(() => [])
  return lines.some((line) => line['kind'] === 'validation' && line['step'] === step)
}
