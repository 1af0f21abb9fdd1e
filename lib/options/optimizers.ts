/** The plain options of each optimizer; entries of the same kind as those in table.ts. */
import { choiceOption, flagOption, numberOption, variant, type RunTable } from './spec.js'

/** Of `sgd`, where plain. */
export const sgdOptions = {
  /** Momentum. Give a number from 0 to 1 (factor). @default 0.9 */
  momentum: numberOption({ group: 'Optimizer', help: 'momentum', unit: 'factor', minimum: 0, maximum: 1, fallback: 0.9, decides: true }),
  /** Nesterov's momentum. Give true or false. @default false */
  nesterov: flagOption({ group: 'Optimizer', help: "Nesterov's momentum", fallback: false, decides: true }),
  /** Weight decay. Give a number of at least 0 (factor). @default 0.0001 */
  weightDecay: numberOption({ group: 'Optimizer', help: 'weight decay', unit: 'factor', minimum: 0, fallback: 1e-4, decides: true }),
  /** What does not decay; 'norm-and-bias': norms and biases. Give "none" or "norm-and-bias". @default none */
  excludeFromDecay: choiceOption({
    group: 'Optimizer',
    help: "what does not decay; 'norm-and-bias': norms and biases",
    choices: ['none', 'norm-and-bias'],
    fallback: 'none',
    decides: true,
  }),
  /** Largest norm of all gradients together, to which they are scaled before decay; 0: any. Give a number of at least 0 (norm). @default 0 */
  clipNorm: numberOption({
    group: 'Optimizer',
    help: 'largest norm of all gradients together, to which they are scaled before decay; 0: any',
    unit: 'norm',
    minimum: 0,
    fallback: 0,
    decides: true,
  }),
} satisfies RunTable

/** Of `lars`, where plain. */
export const larsOptions = {
  /** Momentum. Give a number from 0 to 1 (factor). @default 0.9 */
  momentum: sgdOptions.momentum,
  /** Share of its own norm by which a weight moves at a learning rate of 1. Give a number above 0 (factor). @default 0.001 */
  trustCoefficient: numberOption({
    group: 'Optimizer',
    help: 'share of its own norm by which a weight moves at a learning rate of 1',
    unit: 'factor',
    minimum: 0,
    above: true,
    fallback: 0.001,
    decides: true,
  }),
  /** Weight decay. Give a number of at least 0 (factor). @default 0.0001 */
  weightDecay: sgdOptions.weightDecay,
  /** What does not decay; 'norm-and-bias': norms and biases. Give "none" or "norm-and-bias". @default norm-and-bias */
  excludeFromDecay: variant(sgdOptions.excludeFromDecay, { fallback: 'norm-and-bias' }),
  /** Largest norm of all gradients together, to which they are scaled before decay; 0: any. Give a number of at least 0 (norm). @default 0 */
  clipNorm: sgdOptions.clipNorm,
} satisfies RunTable

/** Of `adamW`, where plain. */
export const adamWOptions = {
  /** Factor of the moving average of gradients. Give a number of at least 0 and below 1 (factor). @default 0.9 */
  beta1: numberOption({
    group: 'Optimizer',
    help: 'factor of the moving average of gradients',
    unit: 'factor',
    minimum: 0,
    maximum: 1,
    below: true,
    fallback: 0.9,
    decides: true,
  }),
  /** Factor of the moving average of squared gradients. Give a number of at least 0 and below 1 (factor). @default 0.999 */
  beta2: numberOption({
    group: 'Optimizer',
    help: 'factor of the moving average of squared gradients',
    unit: 'factor',
    minimum: 0,
    maximum: 1,
    below: true,
    fallback: 0.999,
    decides: true,
  }),
  /** Value added to the root of the average of squared gradients. Give a number above 0 (value). @default 1e-8 */
  epsilon: numberOption({
    group: 'Optimizer',
    help: 'value added to the root of the average of squared gradients',
    unit: 'value',
    minimum: 0,
    above: true,
    fallback: 1e-8,
    decides: true,
  }),
  /** Weight decay. Give a number of at least 0 (factor). @default 0.01 */
  weightDecay: variant(sgdOptions.weightDecay, { fallback: 0.01 }),
  /** What does not decay; 'norm-and-bias': norms and biases. Give "none" or "norm-and-bias". @default none */
  excludeFromDecay: sgdOptions.excludeFromDecay,
  /** Largest norm of all gradients together, to which they are scaled before decay; 0: any. Give a number of at least 0 (norm). @default 0 */
  clipNorm: sgdOptions.clipNorm,
} satisfies RunTable

/** Of `lamb`, where plain. */
export const lambOptions = {
  /** Factor of the moving average of gradients. Give a number of at least 0 and below 1 (factor). @default 0.9 */
  beta1: adamWOptions.beta1,
  /** Factor of the moving average of squared gradients. Give a number of at least 0 and below 1 (factor). @default 0.999 */
  beta2: adamWOptions.beta2,
  /** Value added to the root of the average of squared gradients. Give a number above 0 (value). @default 0.000001 */
  epsilon: variant(adamWOptions.epsilon, { fallback: 1e-6 }),
  /** Weight decay. Give a number of at least 0 (factor). @default 0.01 */
  weightDecay: adamWOptions.weightDecay,
  /** What does not decay; 'norm-and-bias': norms and biases. Give "none" or "norm-and-bias". @default none */
  excludeFromDecay: sgdOptions.excludeFromDecay,
  /** Largest norm of all gradients together, to which they are scaled before decay; 0: any. Give a number of at least 0 (norm). @default 1 */
  clipNorm: variant(sgdOptions.clipNorm, { fallback: 1 }),
} satisfies RunTable
