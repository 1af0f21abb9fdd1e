/** The options of `Classifier.load`. */
import { integerOption, variant, type Given, type Table } from '../options/spec.js'
import { deviceOptions, runOptions } from '../options/table.js'
import { sharedValues } from '../runtime/session_options.js'

/** Those that no other has, or that mean another thing elsewhere. */
export const ownClassifierOptions = {
  /**
   * Most images that one run takes; on a CPU a run costs what its images cost, on a GPU as much as if it were full; with 1, each image is shared out among
   * threads: the shortest time for a large image alone on many cores, the fewest images a second. Give an integer from 1 to 1048576 (images).
   * @default 8
   */
  batch: variant(runOptions.batch, {
    group: 'Command',
    help:
      'most images that one run takes; on a CPU a run costs what its images cost, on a GPU as much as if it were full; with 1, each image is shared out among ' +
      'threads: the shortest time for a large image alone on many cores, the fewest images a second',
    fallback: 8,
  }),
  /** Classes in an answer, the most probable first. Give an integer of at least 1 (classes). @default 5, or all if there are fewer */
  top: integerOption({
    group: 'Command',
    help: 'classes in an answer, the most probable first',
    unit: 'classes',
    minimum: 1,
    fallback: 5,
    usual: '5, or all if there are fewer',
  }),
  /**
   * Images of more pixels (height x width, as stored) are refused with ERR_IMAGE by their header, before anything is decoded: a small file can hold a large
   * image, and decoding takes 3 bytes a pixel (some JPEG files 9); the default lets the photographs of cameras with up to 33 megapixels through, and keeps a
   * decoder at 100 MB. Give an integer from 1 to 268435456 (pixels).
   * @default 2 ** 25
   */
  maxPixels: integerOption({
    group: 'Command',
    help:
      'images of more pixels (height x width, as stored) are refused with ERR_IMAGE by their header, before anything is decoded: a small file can hold a large ' +
      'image, and decoding takes 3 bytes a pixel (some JPEG files 9); the default lets the photographs of cameras with up to 33 megapixels through, and keeps ' +
      'a decoder at 100 MB',
    unit: 'pixels',
    minimum: 1,
    maximum: 2 ** 28,
    fallback: 2 ** 25,
    usual: '2 ** 25',
  }),
  /**
   * How images become the network's input, instead of what the model file says. Give an object of options.
   * @default as evaluation prepared them when the model was trained; where that was without steps, or is not known, resize({ unlessFitting: true }), centerCrop()
   */
  prepare: variant(sharedValues.prepare, {
    help: "how images become the network's input, instead of what the model file says",
    usual:
      'as evaluation prepared them when the model was trained; where that was without steps, or is not known, resize({ unlessFitting: true }), centerCrop()',
  }),
  /** Settings of a CUDA device; an error on others. Give an object of options. @default undefined */
  cuda: sharedValues.cuda,
  /** Ends loading, with ERR_ABORTED. Give an AbortSignal. @default undefined */
  signal: variant(sharedValues.signal, { help: 'ends loading, with ERR_ABORTED' }),
} satisfies Table

/** Everything that `Classifier.load` takes. */
export const classifierTable: typeof deviceOptions & typeof ownClassifierOptions = { ...deviceOptions, ...ownClassifierOptions }

/** The options of `Classifier.load` are these. */
export interface ClassifierOptions extends Given<typeof deviceOptions>, Given<typeof ownClassifierOptions> {}
