/** The wrong test images of whose class a network was most certain, as small pictures: what its report shows. */
import { join } from 'node:path'
import type { Dataset } from '../data/dataset.js'
import { loader, subset } from '../data/index.js'
import { replaceFile } from '../formats/files.js'
import { networkFromJson } from '../layers/json.js'
import { compile } from '../runtime/compile.js'
import type { Session } from '../runtime/session.js'
import type { TrainedModel } from '../training/index.js'
import { note } from './output.js'
import type { ShownMistake } from './pictures/page.js'
import { pngUrl, type Pixels } from './pictures/png.js'
import { mistakesFile } from './run_directory.js'

export interface Mistakes {
  /** Wrong images that were looked at. */
  readonly of: number
  readonly shown: readonly ShownMistake[]
}

const batch = 16
const mostShown = 24
/** Of a large network on many images not every mistake is looked at again. */
const mostLooked = 1000
const mostSeconds = 10

/** mistakes.json; that it cannot be written does not undo a training. */
export async function saveMistakes(output: string, trained: TrainedModel, validate: Dataset): Promise<void> {
  try {
    const mistakes = await certainMistakes(trained, validate)
    if (mistakes !== undefined) await replaceFile(join(output, mistakesFile), `${JSON.stringify(mistakes)}\n`)
  } catch (error) {
    note(`no pictures of mistakes: ${(error as Error).message}`)
  }
}

/** Undefined where nothing was validated; on the CPU, since a session of its own on a GPU would be tuned first. */
export async function certainMistakes({ description, tensors, validation }: TrainedModel, validate: Dataset): Promise<Mistakes | undefined> {
  if (validation === undefined || description.prepare === undefined) return undefined
  // Steps of training need not fit the size that was validated.
  const prepare = { ...description.prepare, train: [] }
  const wrong = [...validation.predictions.keys()].filter(
    (index) => validation.predictions[index]! >= 0 && validation.predictions[index] !== validate.labels[index],
  )
  if (wrong.length === 0) return { of: 0, shown: [] }
  const looked = mixed(wrong).slice(0, mostLooked)
  const network = networkFromJson(description.network)
  await using session = await compile(network, { device: 'cpu', precision: 'fp32', prepare, batch, evaluation: false })
  for (const [name, { data }] of tensors) await session.parameter(name).write(data as Float32Array)
  await using images = loader(subset(validate, looked), { input: network.input, mode: 'evaluate', prepare, batch, workers: 1 })
  const found: Found[] = []
  const end = performance.now() + 1000 * mostSeconds
  for await (const loaded of images) {
    const { images: pixels, count } = loaded.copy()
    const indices = looked.slice(batch * loaded.index, batch * loaded.index + count)
    found.push(...(await guesses(session, pixels, indices)))
    if (performance.now() > end) break
  }
  const certain = found.sort((a, b) => b.probability - a.probability).slice(0, mostShown)
  return {
    of: found.length,
    shown: certain.map(({ index, prediction, probability, pixels }) => ({
      image: pngUrl(small({ ...network.input, channels: network.input.channels === 1 ? 1 : 3, values: pixels })),
      label: validate.classes[validate.labels[index]!]!,
      predicted: validate.classes[prediction]!,
      probability,
    })),
  }
}

interface Found {
  readonly index: number
  readonly prediction: number
  readonly probability: number
  readonly pixels: Uint8Array
}

async function guesses(session: Session, images: Uint8Array, indices: readonly number[]): Promise<Found[]> {
  const probabilities = await session.infer({ images }, { count: indices.length })
  const size = images.length / batch
  return indices.map((index, place) => {
    const own = probabilities.subarray(place * session.classes, (place + 1) * session.classes)
    const prediction = own.reduce((best, value, at) => (value > own[best]! ? at : best), 0)
    return { index, prediction, probability: own[prediction]!, pixels: images.subarray(place * size, (place + 1) * size) }
  })
}

/** The same for the same list: strides through it, so that a part is from all over. */
function mixed(items: readonly number[]): number[] {
  const stride = Math.max(1, Math.round(items.length * 0.618))
  const step = [...Array(items.length).keys()].map((offset) => stride + offset).find((each) => divisor(each, items.length) === 1)!
  return items.map((_, index) => items[(index * step) % items.length]!)
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))

/** Pictures of a report need no more pixels. */
const largest = 112

/** Means of squares of pixels. */
export function small(pixels: Pixels): Pixels {
  const { height, width, channels, values } = pixels
  const factor = Math.floor(Math.max(height, width) / largest)
  if (factor < 2) return pixels
  const [rows, columns] = [Math.floor(height / factor), Math.floor(width / factor)]
  const means = new Uint8Array(rows * columns * channels)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0
        for (let dy = 0; dy < factor; dy++)
          for (let dx = 0; dx < factor; dx++) sum += values[((y * factor + dy) * width + x * factor + dx) * channels + channel]!
        means[(y * columns + x) * channels + channel] = Math.round(sum / factor ** 2)
      }
    }
  }
  return { height: rows, width: columns, channels, values: means }
}
