/** probe.jsonl of a run: norms of signals and gradients at the steps that were asked for. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { loader } from '../data/loader.js'
import { filterJsonLines, JsonLinesWriter, readJsonLines } from '../formats/jsonl.js'
import { modelTensors } from '../runtime/internals.js'
import type { Session } from '../runtime/session.js'
import type { FitPlan } from './fit_options.js'
import type { RunImages } from './images.js'
import { probe, type ProbedUnit } from '../runtime/probe.js'

/** A line of probe.jsonl. */
export interface ProbeLine {
  /** Steps that were done before. */
  readonly step: number
  /** Images that were probed: the first of the run's order, the same at each step. */
  readonly images: number
  readonly units: readonly ProbedUnit[]
}

export const probeFile = 'probe.jsonl'

/** More images change the norms little. */
const mostImages = 32

export class Probes {
  readonly #plan: FitPlan
  readonly #images: RunImages
  readonly #path: string
  readonly #steps: Set<number>

  private constructor(plan: FitPlan, images: RunImages, path: string, steps: Set<number>) {
    this.#plan = plan
    this.#images = images
    this.#path = path
    this.#steps = steps
  }

  /** Undefined where nothing is asked for. A run that begins anew replaces an earlier one's file; a resumed one drops what lies beyond its checkpoint. */
  static async open(plan: FitPlan, images: RunImages, firstStep: number): Promise<Probes | undefined> {
    const { probe: steps, output, ranks } = plan
    if (steps.length === 0) return undefined
    if (output === undefined) throw new PreresnetError('ERR_OPTION', 'fit: probe: expected an output directory beside, got none')
    if ((ranks?.size ?? 1) > 1) throw new PreresnetError('ERR_OPTION', `fit: probe: expected one process, got ${ranks!.size} ranks`)
    const path = join(output, probeFile)
    if (firstStep === 0) {
      await rm(path, { force: true })
      return new Probes(plan, images, path, new Set(steps))
    }
    const before = await readJsonLines(path).catch(() => [])
    if (before.length > 0) await filterJsonLines(path, ({ step }) => (step as number) <= firstStep)
    const done = new Set(before.map(({ step }) => step))
    return new Probes(plan, images, path, new Set(steps.filter((step) => step >= firstStep && !(step === firstStep && done.has(step)))))
  }

  /** Steps until the next one that is asked for. */
  until(step: number): number {
    return Math.min(Infinity, ...[...this.#steps].filter((each) => each > step).map((each) => each - step))
  }

  /** Writes a line where this step was asked for. */
  async take(session: Session): Promise<void> {
    const step = session.stepIndex
    if (!this.#steps.delete(step)) return
    const { network, batch, seed, workers, corrupt, device } = this.#plan
    const images = Math.min(batch, mostImages)
    await using batches = loader(this.#images.train, { input: network.input, prepare: this.#images.ofTraining, batch: images, seed, workers, corrupt })
    const units = await probe(network, await modelTensors(session, 'trained'), batches, { ...this.#plan, device: device === 'reference' ? 'reference' : 'cpu' })
    const lines = await JsonLinesWriter.open(this.#path)
    try {
      await lines.write({ step, images, units })
    } finally {
      await lines.close()
    }
  }
}
