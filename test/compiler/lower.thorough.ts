/** The cases of lower.test.ts that it leaves out. */
import test from 'ava'
import {
  everyTierAgrees,
  goldensOnLaunches,
  goldenTiers,
  goldenTitle,
  isValidForCuda,
  loweredNetworks,
  loweredTitle,
  validPrograms,
  validTitle,
} from '../support/lowered_training.js'

for (const each of goldenTiers.thorough) test.serial(goldenTitle(each), (t) => goldensOnLaunches(t, each))

for (const each of loweredNetworks.thorough) test(loweredTitle(each), (t) => everyTierAgrees(t, each))

for (const each of validPrograms.thorough) test(validTitle(each), (t) => isValidForCuda(t, each))
