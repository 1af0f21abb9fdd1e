/** The cases of garbage.test.ts that it leaves out. */
import test from 'ava'
import { poisonings, sameBits, titleOf } from '../support/poisoned.js'

for (const each of poisonings.thorough) test(titleOf(each), (t) => sameBits(t, each))
