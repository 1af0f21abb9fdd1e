import { basename } from 'node:path'
import { loader } from '../data/loader.js'
import { corruptOf, readingRate, sizeRange, type SizeRange } from '../data/survey.js'
import { PreresnetError } from '../errors.js'
import { checkReplaceable, replaceFile } from '../formats/files.js'
import { integerOption, stringOption } from '../options/spec.js'
import { runOptions } from '../options/table.js'
import type { CommandSpec } from './command.js'
import { inspectedOptions, openInspected, preparationTexts, type Inspected } from './inspected_data.js'
import { dataInspectDocument, type DataInspection } from './json/data_inspect.js'
import { printJson } from './json/document.js'
import { count, duration, note, pairs, print } from './output.js'
import { contactSheet, type SheetImage, type SheetSection } from './pictures/contact_sheet.js'

const options = {
  ...inspectedOptions,
  workers: runOptions.workers,
  output: stringOption({ group: 'Output', help: 'an HTML page with pictures of prepared images', metavar: 'file', usual: 'none' }),
  pictures: integerOption({ group: 'Output', help: 'pictures on that page, of each kind', unit: 'images', minimum: 1, maximum: 1000, fallback: 24 }),
}

/** How long a rate is measured. */
const rateSeconds = 2

export const dataInspect: CommandSpec<typeof options> = {
  name: 'data inspect',
  summary: 'what a data set holds: images, classes, sizes, files that are no images; how long an epoch takes to read; a page of prepared images',
  options,
  json: dataInspectDocument,
  examples: [
    ['data inspect --data photos --image 224 --output sheet.html', 'all files are decoded once'],
    ['data inspect --data digits --json', 'for a script'],
  ],
  async run(values) {
    const { json, workers, batch, output, pictures, seed } = values
    if (output !== undefined) await checkReplaceable(output)
    const inspected = await openInspected(values)
    const { dataset, input, prepare } = inspected
    const reading = { input, prepare, workers, batch }
    const corrupt = await corruptOf(dataset, reading)
    if (corrupt.length === dataset.length)
      throw new PreresnetError(
        'ERR_DATASET',
        `${dataset.name}: expected images, got ${dataset.length} files of which none can be decoded: ${corrupt[0]!.reason}`,
      )
    const imagesPerSecond = await readingRate(dataset, reading, 'train', rateSeconds)
    const sizes = await sizeRange(dataset)
    const result: DataInspection = {
      data: dataset.name,
      images: dataset.length,
      classes: dataset.classes,
      imagesPerClass: perClass(dataset.labels, dataset.classes.length),
      ...(sizes && { sizes }),
      corrupt,
      ...preparationTexts(prepare),
      workers,
      imagesPerSecond,
      epochSeconds: dataset.length / imagesPerSecond,
      ...(output !== undefined && { sheet: output }),
    }
    if (output !== undefined) await writeSheet(output, inspected, result, pictures, seed)
    if (json) printJson(dataInspectDocument, result)
    else {
      print(describe(result))
      for (const { reason } of corrupt.slice(0, 20)) note(`corrupt: ${reason}`)
      if (corrupt.length > 20) note(`and ${count(corrupt.length - 20)} more; --json has all`)
    }
    return 0
  },
}

function perClass(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]!++
  return counts
}

function facts(result: DataInspection): (readonly [string, string])[] {
  const { images, classes, imagesPerClass, sizes, corrupt, training, evaluation, workers, imagesPerSecond, epochSeconds } = result
  const shown = ({ height, width }: SizeRange['median']): string => `${height} x ${width}`
  const [fewest, most] = [Math.min(...imagesPerClass), Math.max(...imagesPerClass)]
  return [
    ['images', count(images)],
    ['classes', `${count(classes.length)}, of ${count(fewest)} to ${count(most)} images`],
    [
      'sizes (height x width)',
      sizes === undefined ? 'no header can be read' : `${shown(sizes.smallest)} to ${shown(sizes.largest)}, median ${shown(sizes.median)}`,
    ],
    ['corrupt images', count(corrupt.length)],
    ['to train', training],
    ['to evaluate', evaluation],
    [
      'an epoch, to read',
      `${epochSeconds < 60 ? `${epochSeconds.toFixed(1)} s` : duration(epochSeconds)} (${count(Math.round(imagesPerSecond))} images/s with ${count(workers)} ${workers === 1 ? 'worker' : 'workers'})`,
    ],
  ]
}

function describe(result: DataInspection): string {
  const sheet = result.sheet === undefined ? [] : [['pictures', result.sheet] as const]
  return `${result.data}\n\n${pairs([...facts(result), ...sheet])}`
}

/** The first images of training, and as many of the data, from batches that are evenly spaced, as evaluation sees them. */
async function writeSheet(path: string, inspected: Inspected, result: DataInspection, pictures: number, seed: number): Promise<void> {
  const sections = [
    await sheetSection('As training sees them, in their first epoch', inspected, 'train', pictures, seed),
    await sheetSection('As evaluation sees them', inspected, 'evaluate', pictures, seed),
  ]
  const lines = facts(result).map(([name, value]) => `${name}: ${value}`)
  await replaceFile(path, contactSheet(result.data, lines, sections))
}

async function sheetSection(
  heading: string,
  { dataset, input, prepare }: Inspected,
  mode: 'train' | 'evaluate',
  pictures: number,
  seed: number,
): Promise<SheetSection> {
  const batch = Math.min(pictures, dataset.length)
  await using batches = loader(dataset, { input, prepare, mode, batch, seed, corrupt: 'skip' })
  const { source } = dataset
  const name = (sample: number): string =>
    source.kind !== 'ranges' || source.length[sample]! >= 0 ? `${sample}` : basename(source.files.at(source.file[sample]!)!)
  const every = mode === 'train' ? 1 : Math.max(1, Math.floor(batches.batches / batch))
  const images: SheetImage[] = []
  const bytes = input.height * input.width * input.channels
  for await (const { index, indices, labels, crops, images: pixels } of batches) {
    if (index % every !== 0) continue
    for (let at = 0; at < (every === 1 ? batch : 1); at++) {
      if (labels[at]! < 0) continue
      images.push({
        pixels: pixels.slice(at * bytes, (at + 1) * bytes),
        top: crops[3 * at]!,
        left: crops[3 * at + 1]!,
        mirrored: crops[3 * at + 2] === 1,
        caption: `${dataset.classes[labels[at]!]!}: ${name(indices[at]!)}`,
      })
    }
    if (images.length >= batch) break
  }
  return { heading, input, pad: batches.pad, images: images.slice(0, batch) }
}
