/** The cases of activation_checkpointing.test.ts that it leaves out. */
import test from 'ava'
import { recomputations, sameBits, titleOf } from '../support/recomputation.js'

for (const each of recomputations.thorough) test(titleOf(each), (t) => sameBits(t, each))
