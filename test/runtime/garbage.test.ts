/** Whether a program reads memory after its lifetime: dead ranges of the activation arena are filled with NaNs between operations. */
import test from 'ava'
import { poisonings, sameBits, titleOf } from '../support/poisoned.js'

for (const each of poisonings.quick) test(titleOf(each), (t) => sameBits(t, each))
