import { PreresnetError } from '../errors.js'
import { Classifier, type Classification } from '../inference/index.js'
import { limiter, mapLimited } from '../limited.js'
import { classifierTable, ownClassifierOptions } from '../inference/options.js'
import { variant } from '../options/spec.js'
import { deviceOptions } from '../options/table.js'
import type { CommandSpec } from './command.js'
import { failureStatus, report } from './failure.js'
import { printJson } from './json/document.js'
import { predictDocument } from './json/predict.js'
import { percent, print, table } from './output.js'
import { cudaOptions, passedOn } from './device_options.js'
import { readWhole } from './read_whole.js'

const options = {
  ...deviceOptions,
  ...cudaOptions,
  top: variant(ownClassifierOptions.top, { help: 'classes to print, the most probable first', fallback: 3, usual: undefined }),
  batch: variant(ownClassifierOptions.batch, { help: 'most images that one run takes' }),
}

export const predict: CommandSpec<typeof options> = {
  name: 'predict',
  summary: 'say what is on JPEG, PNG or WebP images',
  arguments: [
    ['<model>', 'a model file, as runs/first/model.safetensors'],
    ['<images...>', 'JPEG, PNG or WebP files'],
  ],
  options,
  json: predictDocument,
  examples: [
    ['predict model.safetensors cat.jpg dog.png', 'the three most probable classes of each'],
    ['predict model.safetensors *.jpg --top 1 --json', 'for a script'],
  ],
  async run(values, [model, paths]) {
    const { json, batch } = values
    const images = paths as readonly string[]
    await using classifier = await Classifier.load(model as string, {
      ...passedOn(classifierTable, values),
      batch: Math.min(batch, images.length),
      maxPixels: 2 ** 28, // files that the user chose
    })
    // Files enough for two runs: one's images are decoded while the other runs.
    const answers = await mapLimited(images, (path) => predictFile(classifier, path), 2 * batch)
    const failures = answers.filter((answer) => 'error' in answer)
    if (json)
      printJson(
        predictDocument,
        answers.map((answer) => ('error' in answer ? { ...answer, error: { code: answer.error.code, message: answer.error.message } } : answer)),
      )
    else {
      for (const { error } of failures) report(error)
      const rows = answers.flatMap((answer) => ('error' in answer ? [] : answer.classes.map(row(answer.image))))
      if (rows.length > 0) print(table(['image', 'class', 'probability'], rows))
    }
    return failures.length > 0 ? failureStatus : 0
  },
}

type Answer = { readonly image: string; readonly classes: readonly Classification[] } | { readonly image: string; readonly error: PreresnetError }

/** Open files, whatever the batch: a process may have some hundreds. */
const reading = limiter(16)

/** A file that is no image costs its own answer only. */
async function predictFile(classifier: Classifier, image: string): Promise<Answer> {
  let bytes
  try {
    bytes = await reading(() => readWhole(image))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    // Node has made this character of bytes that are no UTF-8: they are lost.
    const reason = code === 'ENOENT' && image.includes('\ufffd') ? 'its name is not UTF-8, which is needed on the command line; rename it' : (code ?? message)
    return { image, error: new PreresnetError('ERR_FILE', `${image}: cannot be read (${reason})`, { cause }) }
  }
  try {
    return { image, classes: await classifier.classify(bytes) }
  } catch (cause) {
    if (!(cause instanceof PreresnetError && cause.code === 'ERR_IMAGE')) throw cause
    return { image, error: new PreresnetError('ERR_IMAGE', `${image}: ${cause.message.replace(/^image: /, '')}`, { cause }) }
  }
}

/** The image's name stands on its first line only. */
const row = (image: string) => (answer: Classification, index: number) => [index === 0 ? image : '', answer.label, percent(answer.probability)]
