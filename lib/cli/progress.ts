/** How a training run shows where it is: a bar on a terminal, plain lines elsewhere. All on stderr. */
import cliProgress from 'cli-progress'
import type { FinishedEvent, RunEvent, StartEvent, StepEvent, ValidationEvent } from '../training/run_events.js'
import { canRedraw, count, duration, note, percent, size } from './output.js'

export interface Progress {
  show(event: RunEvent): void
  /** Leaves the terminal as it was. */
  stop(): void
}

/** `terminal`: isTTY of stderr, which is missing where there is none. `speaker`: what each line begins with, where several processes write. */
export function openProgress(terminal: boolean | undefined, speaker = ''): Progress {
  return canRedraw(terminal) && speaker === '' ? new Bar() : new Lines(speaker)
}

/** For output that is the result alone. */
export const noProgress: Progress = { show: () => {}, stop: () => {} }

/** The tuner's: one line that is written over on a terminal; elsewhere one at the beginning and at each tenth. */
export function tuningProgress(
  terminal: boolean | undefined,
  write: (text: string) => void = (text) => process.stderr.write(text),
): (done: number, total: number) => void {
  return (done, total) => {
    const text = `timing kernels, once for this GPU: ${done} of ${total} convolutions`
    const tenth = (value: number): number => Math.floor((10 * value) / total)
    if (canRedraw(terminal)) write(`\r\x1b[K${text}${done === total ? '\n' : ''}`)
    else if (tenth(done) !== tenth(done - 1)) write(`${text}\n`)
  }
}

class Lines implements Progress {
  constructor(private readonly speaker: string) {}

  show(event: RunEvent): void {
    const text = line(event)
    if (text !== undefined) note(text.replace(/^/gm, this.speaker))
  }

  stop(): void {}
}

class Bar implements Progress {
  // The cursor stays and no signal handler is installed: the bar must not stand between a signal and the last checkpoint.
  readonly #bar = new cliProgress.SingleBar({
    format: '{bar} {percentage}% {text}',
    barsize: 20,
    barCompleteChar: '=',
    barIncompleteChar: '-',
    hideCursor: false,
    gracefulExit: false,
    linewrap: false,
    fps: 5,
  })
  #running = false

  show(event: RunEvent): void {
    if (event.kind === 'start') {
      note(line(event)!)
      this.#bar.start(event.steps, event.step, { text: '' })
      this.#running = true
    } else if (event.kind === 'step') this.#bar.update(event.step, { text: stepText(event) })
    else {
      const text = line(event)
      if (text !== undefined) this.#above(text)
    }
  }

  stop(): void {
    if (!this.#running) return
    this.#running = false
    this.#bar.stop()
  }

  /** A line that stays: it stands where the bar was, and the bar is drawn again below by the next step. */
  #above(text: string): void {
    process.stderr.write(`\r\x1b[K${text}\n`)
  }
}

/** Events that are worth a line; steps only where the log has one. */
function line(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'start':
      return startText(event)
    case 'step':
      return event.logged ? `step ${count(event.step)}/${count(event.steps)}  ${stepText(event)}` : undefined
    case 'validation':
      return validationText(event)
    case 'checkpoint':
      return `step ${count(event.step)}  saved ${event.path}`
    case 'finished':
      return finishedText(event)
  }
}

function finishedText({ outcome, step, seconds, dataShare, corruptImages }: FinishedEvent): string {
  const skipped = corruptImages === 0 ? '' : `, ${count(corruptImages)} corrupt images skipped`
  return `${outcome} at step ${count(step)} after ${duration(seconds)}, waiting for data ${percent(dataShare, 0)}${skipped}`
}

function startText(event: StartEvent): string {
  const resumed = event.resumedFrom === undefined ? '' : `, resumed at step ${count(event.step)} from ${event.resumedFrom}`
  return (
    `${event.network}: ${count(event.parameters)} parameters, ${event.device} ${event.precision}, ${size(event.memory)} planned, ` +
    `${count(event.steps)} steps, ${count(event.stepsPerEpoch)} an epoch${resumed}\n` +
    `precision ${event.precision}: ${event.precisionReason}`
  )
}

function stepText(event: StepEvent): string {
  return [
    `epoch ${event.epoch.toFixed(2)}`,
    `${event.imagesPerSecond.toFixed(0)} images/s`,
    `waiting for data ${percent(event.dataShare, 0)}`,
    ...(event.corruptImages === 0 ? [] : [`${count(event.corruptImages)} corrupt images skipped`]),
    `loss ${event.loss.toFixed(4)}`,
    `top-1 accuracy ${percent(event.top1Accuracy)}`,
    `rate ${Number(event.learningRate.toPrecision(4))}`,
    `${duration(event.secondsLeft)} left`,
    size(event.memory),
  ].join('  ')
}

function validationText(event: ValidationEvent): string {
  const mark = event.best ? ' (best)' : ''
  return (
    `step ${count(event.step)}  test error ${percent(event.top1Error)}${mark}  test accuracy ${percent(event.top1Accuracy)}  ` +
    `top-5 error ${percent(event.top5Error)}  top-5 accuracy ${percent(event.top5Accuracy)}  ` +
    `${count(event.top1Errors)} of ${count(event.samples)} wrong  loss ${event.loss.toFixed(4)}`
  )
}
