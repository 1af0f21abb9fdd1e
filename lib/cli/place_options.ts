/** Where and how to compute: the same options in every command that does. */
import { choiceOption, integerOption } from './option_spec.js'

export const placeOptions = {
  device: choiceOption('who computes', ['auto', 'cpu', 'reference', 'cuda'], 'auto'),
  precision: choiceOption('arithmetic', ['auto', 'fp32', 'bf16', 'fp64'], 'auto'),
  threads: integerOption('threads; 0: what user, cores and cgroup allow', { minimum: 0, maximum: 1024, fallback: 0 }),
}
