/** What the report reads of a run's directory. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { readJsonLines } from '../formats/jsonl.js'
import { describe } from '../options/values.js'
import { hintIfMissing } from '../regular_file.js'
import { probeFile, type ProbeLine } from '../training/probes.js'
import type { MetricsLine } from '../training/run_log.js'
import type { RunResult } from './json/train.js'
import type { Curves } from './pictures/curves.js'
import type { Pace } from './pictures/pace.js'

/** What a finished training command leaves beside the library's files. */
export const resultFile = 'result.json'

/** The pictures of the network's most certain mistakes. */
export const mistakesFile = 'mistakes.json'

export async function readCurves(directory: string): Promise<Curves> {
  const metrics = await readMetrics(directory)
  return {
    loss: metrics.flatMap((line) => (line.kind === 'train' ? [{ step: line.step, loss: line.loss }] : [])),
    error: metrics.flatMap((line) => (line.kind === 'validation' ? [{ step: line.step, error: line.top1Error }] : [])),
  }
}

export async function readPace(directory: string): Promise<Pace[]> {
  const metrics = await readMetrics(directory)
  return metrics.flatMap((line) => {
    if (line.kind !== 'train') return []
    const { step, learningRate, imagesPerSecond, dataShare } = line
    return [{ step, learningRate, imagesPerSecond, dataShare }]
  })
}

/** Norms by depth; none of a run that was not probed. */
export async function readProbe(directory: string): Promise<readonly ProbeLine[]> {
  const path = join(directory, probeFile)
  return existsSync(path) ? ((await readJsonLines(path)) as unknown as readonly ProbeLine[]) : []
}

async function readMetrics(directory: string): Promise<readonly MetricsLine[]> {
  return (await readJsonLines(join(directory, 'metrics.jsonl')).catch(notARun)) as unknown as readonly MetricsLine[]
}

export async function readManifest(directory: string): Promise<unknown> {
  const path = join(directory, 'manifest.json')
  return parse(path, await readText(path))
}

/** null where the run has not ended. */
export function readResult(directory: string): Promise<RunResult | null> {
  return readIfThere<RunResult>(join(directory, resultFile))
}

/** What a command left as JSON; null where there is no such file. */
export async function readIfThere<T>(path: string): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return text === null ? null : (parse(path, text) as T)
}

/** The reader's own error, with what is asked where the file is not there. */
function notARun(error: unknown): never {
  throw hintIfMissing(error, 'is it the directory of a run?')
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code}); is it the directory of a run?`, { cause })
  }
}

function parse(where: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PreresnetError('ERR_FILE', `${where}: expected JSON, got ${describe(text)}`, { cause })
  }
}
