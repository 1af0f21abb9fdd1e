/** Where and how to compute: the same options in every command that does. */
import { precisionChoices } from '../runtime/device.js'
import { choiceOption, integerOption } from './option_spec.js'

export const placeOptions = {
  device: choiceOption('who computes', ['auto', 'cpu', 'reference', 'cuda'], 'auto'),
  precision: choiceOption('types in memory and of arithmetic; auto: what a short measurement at first use finds fastest', precisionChoices, 'auto'),
  threads: integerOption('threads; 0: what user, cores and cgroup allow', { minimum: 0, maximum: 1024, fallback: 0 }),
}
