/** One run of a training: trained, tested for each row that it is a result of, and written down; what is there already is not done again. */
import { join } from 'node:path'
import { PreresnetError } from '../../errors.js'
import { replaceFile } from '../../formats/files.js'
import { elements } from '../../compiler/layout.js'
import { buildGraph } from '../../graph/build.js'
import { networkFromJson } from '../../layers/json.js'
import type { Given } from '../../options/spec.js'
import { compile } from '../../runtime/compile.js'
import { initialValues } from '../../runtime/random.js'
import { fit, type TrainedModel } from '../../training/index.js'
import type { sharedOptions } from '../../runtime/session_options.js'
import type { Progress } from '../progress.js'
import { writeReport } from '../report.js'
import { readIfThere } from '../run_directory.js'
import type { SignalWatch } from '../signals.js'
import { follow, saveResult } from '../train.js'
import type { RunOutcome } from './outcome.js'
import type { Row } from './rows.js'
import { centerOf, type Training } from './trainings.js'

/** Device, threads and workers, as the command was told. */
type Where = Partial<Pick<Given<typeof sharedOptions>, 'device' | 'precision' | 'threads' | 'cuda'>> & { readonly workers: number }

interface RunPlan {
  readonly training: Training
  /** Each with its own crop. */
  readonly rows: readonly Row[]
  readonly seed: number
  readonly directory: string
  readonly where: Where
  readonly smoke: boolean
  readonly progress: Progress
  readonly watch: SignalWatch
}

type Errors = Readonly<Record<string, { readonly top1: number; readonly top5: number }>>

/** What a finished run leaves for the next command. */
interface Finished {
  /** Fingerprints of the images that were trained and tested on. */
  readonly images: readonly string[]
  readonly seed: number
  readonly steps: number
  readonly seconds: number
  readonly errors: Errors
}

const finishedFile = 'reproduced.json'

/** By the name of each row; undefined where a signal ended it. */
export async function runOnce(plan: RunPlan): Promise<ReadonlyMap<string, RunOutcome> | undefined> {
  const path = join(plan.directory, finishedFile)
  const before = await readIfThere<Finished>(path)
  const images = imagesOf(plan)
  if (before !== null && before.images.join() !== images.join())
    throw new PreresnetError('ERR_CHECKPOINT', `${plan.directory}: holds a run on other images; give the same, or take another directory (--output)`)
  const whole = plan.rows.every(({ id }) => before?.errors[id] !== undefined)
  const finished = before !== null && whole ? before : await train(plan, before)
  if (finished === undefined) return undefined
  if (finished !== before) await replaceFile(path, `${JSON.stringify(finished, null, 2)}\n`)
  const { seed, steps, seconds, errors } = finished
  return new Map(plan.rows.map(({ id }) => [id, { seed, steps, seconds, ...errors[id]!, directory: plan.directory }]))
}

/** `before`: what a command for other rows of the training has left, of which nothing is lost; the run is only opened then. */
async function train(plan: RunPlan, before: Finished | null): Promise<Finished | undefined> {
  const { training, rows, seed, directory, where, progress, watch } = plan
  const { network, settings, length, data } = training
  const run = fit(network, {
    ...settings,
    ...length,
    ...where,
    ...data,
    seed,
    ...evaluationInput(training.row),
    logEvery: plan.smoke ? 1 : 50,
    checkpoint: { directory, resume: true },
    output: directory,
    signal: watch.signal,
  })
  const whole = await follow(run, progress, watch)
  if (whole === undefined) return undefined
  const { trained, ended } = whole
  if (plan.smoke) await checkMoved(training, trained, seed)
  if (before === null) await saveResult({ output: directory, data: { train: data.train, test: data.validate }, network, trained, ended })
  const errors: Record<string, { top1: number; top5: number }> = { ...before?.errors }
  for (const row of rows) errors[row.id] ??= await errorsOf(plan, row, trained)
  if (before === null) await writeReport(directory)
  return { images: imagesOf(plan), seed, steps: trained.step, seconds: before?.seconds ?? ended.seconds, errors }
}

const imagesOf = ({ training: { data } }: RunPlan): string[] => [data.train.fingerprint, data.validate.fingerprint]

function evaluationInput({ recipe, testCrop }: Row): { readonly evaluationInput?: { readonly height: number; readonly width: number } } {
  return recipe.data === 'imagenet' ? { evaluationInput: { height: testCrop, width: testCrop } } : {}
}

/** The last validation where it was at this row's size, else one of its own. */
async function errorsOf({ training, where }: RunPlan, row: Row, trained: TrainedModel): Promise<{ top1: number; top5: number }> {
  const inPercent = ({ top1Error, top5Error }: { top1Error: number; top5Error: number }): { top1: number; top5: number } => ({
    top1: 100 * top1Error,
    top5: 100 * top5Error,
  })
  if (row.testCrop === training.row.testCrop && trained.validation !== undefined) return inPercent(trained.validation)
  const { network, prepare } = trained.description
  const sized = networkFromJson({ ...network, input: { ...network.input, height: row.testCrop, width: row.testCrop } })
  const { workers, ...on } = where
  const evaluate = row.recipe.data === 'imagenet' ? { evaluate: centerOf(row.testCrop) } : {}
  await using session = await compile(sized, { ...on, prepare: { ...prepare!, ...evaluate }, batch: training.settings.batch! })
  for (const [name, { data }] of trained.tensors) await session.parameter(name).write(data as Float32Array)
  return inPercent(await session.evaluate(training.data.validate, { workers }))
}

/** ERR_INTERNAL for a parameter that training left where it began: its gradient would be lost. */
export async function checkMoved({ network }: Pick<Training, 'network'>, { tensors }: Pick<TrainedModel, 'tensors'>, seed: number): Promise<void> {
  for (const { name, shape, init } of buildGraph(network).parameters) {
    const start = Float32Array.from(await initialValues(init, elements(shape), seed, name))
    const { data } = tensors.get(name)!
    if (start.every((value, index) => value === (data as Float32Array)[index]))
      throw new PreresnetError('ERR_INTERNAL', `${network.name}: parameter ${name} has not moved from its start values`)
  }
}
