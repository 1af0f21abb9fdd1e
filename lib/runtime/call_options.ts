/** The options of a session's calls. */
import type { Loader } from '../data/loader.js'
import { weightsChoices } from '../compiler/options.js'
import { choiceOption, flagOption, integerOption, signalOption, valueOption, variant, type Given, type Table } from '../options/spec.js'
import { initializeOptions, runOptions } from '../options/table.js'
import { fields, invalid } from '../options/values.js'
import { sharedValues } from './session_options.js'

/** The learning rate is a number of at least 0 for all steps, or a function of the step's index: a schedule. */
export type LearningRate =
  | number
  | {
      /**
       * Gives the rate of a step, at least 0.
       * @param step - The index of the step is at least 0.
       */
      at(step: number): number
    }
  | ((step: number) => number)

export const stepsOptions = {
  /** A number for all steps, a schedule, or a function of the step. Give a number, a schedule or a function of the step. */
  learningRate: valueOption<LearningRate>()({
    group: 'Learning rate',
    help: 'a number for all steps, a schedule, or a function of the step',
    accepts: 'a number, a schedule or a function of the step',
    required: true,
    read(where, value) {
      if (typeof value === 'number' || typeof value === 'function' || typeof fields(value)['at'] === 'function') return value as LearningRate
      throw invalid(where, 'a number, a schedule or a function of the step', value)
    },
  }),
  /** Ends the call between two operations; it rejects with ERR_ABORTED, whose cause is the signal's reason. Give an AbortSignal. @default undefined */
  signal: signalOption({
    group: 'Command',
    help: "ends the call between two operations; it rejects with ERR_ABORTED, whose cause is the signal's reason",
  }),
  /** Reject with ERR_NOT_FINITE where a loss is not a number. Give true or false. @default true */
  checkFinite: flagOption({ group: 'Training', help: 'reject with ERR_NOT_FINITE where a loss is not a number', fallback: true }),
  /** Note when each operation began and how long it took, for trace(); takes memory by the operation: for a few steps. Give true or false. @default false */
  trace: flagOption({
    group: 'Training',
    help: 'note when each operation began and how long it took, for trace(); takes memory by the operation: for a few steps',
    fallback: false,
  }),
  /** Where batches come from, instead of the session's loader. Give a loader. @default the session's */
  loader: valueOption<Loader>()({
    group: 'Data',
    help: "where batches come from, instead of the session's loader",
    accepts: 'a loader',
    usual: "the session's",
    read(where, value) {
      if (fields(value)['native'] !== undefined) return value as Loader
      throw invalid(where, 'a loader', value)
    },
  }),
} satisfies Table

/** The options of `Session.steps` are these; `Session.step` takes all but `loader`. */
export type StepsOptions = Given<typeof stepsOptions>

const { loader: _, ...own } = stepsOptions
/** Of `step`, whose batch is the caller's. */
export const stepOptions: Omit<typeof stepsOptions, 'loader'> = own

export const evaluateOptions = {
  /** Ends the call between two operations, with ERR_ABORTED. Give an AbortSignal. @default undefined */
  signal: signalOption({ group: 'Command', help: 'ends the call between two operations, with ERR_ABORTED' }),
  /** Threads that decode. Give an integer from 1 to 256 (threads). @default 1 */
  workers: variant(runOptions.workers, { help: 'threads that decode' }),
  /**
   * What comes of a file that is no image: 'error' rejects and names it; 'skip': it does not count, and corruptImages says how many there were. Give "error" or
   * "skip".
   * @default error
   */
  corrupt: variant(runOptions.corrupt, {
    help: "what comes of a file that is no image: 'error' rejects and names it; 'skip': it does not count, and corruptImages says how many there were",
  }),
  /**
   * How images are prepared, where it is not as the session says; its programs have one normalization. Give an object of options.
   * @default the session's; images that are given in memory have the input's size and are taken as they are
   */
  prepare: variant(sharedValues.prepare, {
    help: 'how images are prepared, where it is not as the session says; its programs have one normalization',
    usual: "the session's; images that are given in memory have the input's size and are taken as they are",
  }),
  /**
   * Crops of each image whose probabilities are averaged: 1, as `prepare` says, or 10, the corners and the middle and the same mirrored, where its steps have
   * centerCrop(). Give "1" or "10".
   * @default 1
   */
  crops: choiceOption({
    group: 'Data',
    help:
      'crops of each image whose probabilities are averaged: 1, as `prepare` says, or 10, the corners and the middle and the same mirrored, where its steps have ' +
      'centerCrop()',
    choices: ['1', '10'],
    fallback: '1',
  }),
  /**
   * What is evaluated: parameters and running statistics as they are trained, or, with one crop, their moving averages, where compile was given `ema`. Give
   * "trained" or "ema".
   * @default trained
   */
  weights: choiceOption({
    group: 'Command',
    help: 'what is evaluated: parameters and running statistics as they are trained, or, with one crop, their moving averages, where compile was given `ema`',
    choices: weightsChoices,
    fallback: 'trained',
  }),
} satisfies Table

/** The options of `Session.evaluate` are these. */
export type EvaluateOptions = Given<typeof evaluateOptions>

export const inferOptions = {
  /** Ends the call between two operations, with ERR_ABORTED. Give an AbortSignal. @default undefined */
  signal: evaluateOptions.signal,
  /** Only the first images of the batch; a CPU computes no others. Give an integer of at least 1 (images). @default all */
  count: integerOption({
    group: 'Command',
    help: 'only the first images of the batch; a CPU computes no others',
    unit: 'images',
    minimum: 1,
    usual: 'all',
  }),
  /**
   * Probabilities of the classes; logits, which the last layer gives before softmax; or features, which that layer reads. Give "probabilities" or "logits" or
   * "features".
   * @default probabilities
   */
  output: choiceOption({
    group: 'Command',
    help: 'probabilities of the classes; logits, which the last layer gives before softmax; or features, which that layer reads',
    choices: ['probabilities', 'logits', 'features'],
    fallback: 'probabilities',
  }),
} satisfies Table

/** The options of `Session.infer` are these. */
export type InferOptions = Given<typeof inferOptions>

export const saveOptions = {
  /** How the file says that images are prepared, where it is not as the session says. Give an object of options. @default the session's */
  prepare: variant(sharedValues.prepare, {
    help: 'how the file says that images are prepared, where it is not as the session says',
    usual: "the session's",
  }),
  /**
   * What is written: parameters and running statistics as they are trained, or their moving averages, where compile was given `ema`. Give "trained" or "ema".
   * @default trained
   */
  weights: variant(evaluateOptions.weights, {
    help: 'what is written: parameters and running statistics as they are trained, or their moving averages, where compile was given `ema`',
  }),
} satisfies Table

/** The options of `Session.save` are these. */
export type SaveOptions = Given<typeof saveOptions>

export const loadOptions = {
  /**
   * What keeps its start values (a replaced head), which the file may lack or have in other shapes: names, paths above them, patterns with *. Give a list of
   * names or patterns.
   * @default []
   */
  except: variant(initializeOptions.except, {
    help: 'what keeps its start values (a replaced head), which the file may lack or have in other shapes: names, paths above them, patterns with *',
  }),
  /**
   * Same: a file whose network saw its pixels normalized otherwise than this session normalizes them is refused, for its accuracy would be lost; any: it is
   * taken, to be trained further on these images. Give "same" or "any".
   * @default same
   */
  normalization: choiceOption({
    group: 'Data',
    help:
      'same: a file whose network saw its pixels normalized otherwise than this session normalizes them is refused, for its accuracy would be lost; any: it is ' +
      'taken, to be trained further on these images',
    choices: ['same', 'any'],
    fallback: 'same',
  }),
  /**
   * Same: a file whose classes are others than those of this session's data, or in another order, is refused, for its answers would be taken for others, unless
   * except leaves out the weights of the last layer, whose outputs they are; any: it is taken, to be trained further for these classes. Give "same" or "any".
   * @default same
   */
  classes: choiceOption({
    group: 'Data',
    help:
      "same: a file whose classes are others than those of this session's data, or in another order, is refused, for its answers would be taken for others, " +
      'unless except leaves out the weights of the last layer, whose outputs they are; any: it is taken, to be trained further for these classes',
    choices: ['same', 'any'],
    fallback: 'same',
  }),
} satisfies Table

/** The options of `Session.load` are these. */
export type LoadOptions = Given<typeof loadOptions>
