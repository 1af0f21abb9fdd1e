/** torchvision's DataLoader beside ours: the same files, steps, batches and numbers of workers, in a process of Python. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { sampleCount, samplesOf, type Dataset, type ImageShape, type RangeSource } from '../data/dataset.js'
import type { Preparation } from '../data/index.js'
import { visibleLine } from '../visible.js'
import { checkCounterparts, torchvisionProgram } from './torchvision_program.js'

/** Images that Python is told of; those of a larger set are evenly spaced. */
const mostImages = 10_000

interface Reading {
  readonly input: ImageShape
  readonly prepare: Preparation
  readonly batch: number
}

/** What is measured beside. */
interface Beside {
  /** Its versions, or why it is not measured. */
  readonly said: string
  /** Images a second over so many seconds, as readingRate; undefined where it is not measured. */
  readonly rate?: (mode: 'train' | 'evaluate', workers: number, seconds: number) => Promise<number>
  readonly close: () => Promise<void>
}

const without = (reason: string): Beside => ({ said: `not measured: ${reason}`, close: () => Promise.resolve() })

/** A Python that has loaded torchvision and the list of images. */
export async function startTorchvision(python: string, { source }: Dataset, reading: Reading): Promise<Beside> {
  if (python === 'none') return without('--python none')
  if (source.kind !== 'ranges') return without('its datasets are of files')
  const { prepare, ...rest } = reading
  const { train, evaluate = [] } = prepare
  try {
    checkCounterparts([...(train ?? []), ...evaluate])
  } catch (error) {
    return without((error as Error).message)
  }
  const process = new Answering(spawn(python, ['-c', torchvisionProgram]))
  try {
    const { versions } = await process.ask({ images: listOf(source), train: train ?? evaluate, evaluate, ...rest })
    return {
      said: String(versions),
      rate: async (mode, workers, seconds) => Number((await process.ask({ mode, workers, seconds }))['rate']),
      close: () => process.close(),
    }
  } catch (error) {
    await process.close()
    return without(`${python}: ${visibleLine((error as Error).message)}`)
  }
}

function listOf(source: RangeSource): readonly (readonly [path: string, offset: number, length: number])[] {
  const count = sampleCount(source)
  const listed = Math.min(count, mostImages)
  const { files, file, offset, length } = samplesOf(
    source,
    Int32Array.from({ length: listed }, (_, index) => Math.floor((index * count) / listed)),
  ) as RangeSource
  return Array.from(file, (number, sample) => [files.at(number)!, offset[sample]!, length[sample]!])
}

/** A process that answers one line of JSON with another. */
class Answering {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>
  readonly #ended: Promise<unknown>
  #said = ''

  constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process
    this.#answers = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    this.#ended = once(process, 'close').catch((error: unknown) => {
      this.#said = (error as Error).message
    })
    process.stderr.on('data', (bytes: Buffer) => (this.#said = `${this.#said}${bytes.toString()}`.slice(-4096)))
    // That it has ended is known from its answers.
    process.stdin.on('error', () => undefined)
  }

  async ask(question: object): Promise<Readonly<Record<string, unknown>>> {
    this.#process.stdin.write(`${JSON.stringify(question)}\n`)
    const answer = await this.#answers.next()
    if (answer.done !== true) return JSON.parse(answer.value) as Readonly<Record<string, unknown>>
    await this.#ended
    // The last line of Python's says what was wrong.
    throw new Error(this.#said.trimEnd().split('\n').at(-1) || 'it ended without an answer')
  }

  async close(): Promise<void> {
    this.#process.stdin.end()
    await this.#ended
  }
}
