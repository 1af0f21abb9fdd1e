/** The options of `Classifier.load`. */
import { integerOption, numberOption, variant, type Given, type Table } from '../options/spec.js'
import { deviceOptions, runOptions } from '../options/table.js'
import { sharedValues } from '../runtime/session_options.js'

/** Those that no other has, or that mean another thing elsewhere. */
export const ownClassifierOptions = {
  /**
   * Most images that one run takes: it takes what waits, and a lone image is shared out among threads; on a CPU a run costs what its images cost, on a GPU as
   * much as if it were full, unless it has one image. Give an integer from 1 to 1048576 (images).
   * @default 8
   */
  batch: variant(runOptions.batch, {
    group: 'Command',
    help:
      'most images that one run takes: it takes what waits, and a lone image is shared out among threads; on a CPU a run costs what its images cost, on a GPU as ' +
      'much as if it were full, unless it has one image',
    fallback: 8,
  }),
  /**
   * How long the oldest image that waits may wait for others, until there are as many as batch says; 0: a run takes what there is. Give a number of at least 0
   * (milliseconds).
   * @default 0
   */
  maxDelay: numberOption({
    group: 'Command',
    help: 'how long the oldest image that waits may wait for others, until there are as many as batch says; 0: a run takes what there is',
    unit: 'milliseconds',
    minimum: 0,
    fallback: 0,
  }),
  /**
   * Images that may wait, to be read, decoded or computed, without those of runs that are under way; calls that bring more are refused with ERR_BUSY. Give an
   * integer of at least 1 (images).
   * @default no limit
   */
  maxQueue: integerOption({
    group: 'Command',
    help: 'images that may wait, to be read, decoded or computed, without those of runs that are under way; calls that bring more are refused with ERR_BUSY',
    unit: 'images',
    minimum: 1,
    usual: 'no limit',
  }),
  /**
   * With precision 'auto' on a CPU: how much the time of a lone image counts, beside that of a full batch, when the fastest precision is chosen, which is one
   * for both. Give a number from 0 to 1 (share).
   * @default 0.5
   */
  aloneShare: numberOption({
    group: 'Device',
    help:
      "with precision 'auto' on a CPU: how much the time of a lone image counts, beside that of a full batch, when the fastest precision is chosen, which is " +
      'one for both',
    unit: 'share',
    minimum: 0,
    maximum: 1,
    fallback: 0.5,
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

/** Of `classify` and `infer`. */
export const requestOptions = {
  /**
   * Ends the call at once with ERR_ABORTED: its images leave the queue, and others of the same run are computed as if nothing had happened. Give an
   * AbortSignal.
   * @default undefined
   */
  signal: variant(sharedValues.signal, {
    help: 'ends the call at once with ERR_ABORTED: its images leave the queue, and others of the same run are computed as if nothing had happened',
  }),
} satisfies Table

/** The options of `Classifier.classify` and `Classifier.infer` are these. */
export type RequestOptions = Given<typeof requestOptions>

/** Everything that `Classifier.load` takes. */
export const classifierTable: typeof deviceOptions & typeof ownClassifierOptions = { ...deviceOptions, ...ownClassifierOptions }

/** The options of `Classifier.load` are these. */
export interface ClassifierOptions extends Given<typeof deviceOptions>, Given<typeof ownClassifierOptions> {}
