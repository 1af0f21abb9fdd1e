/** The cases of same_bits.test.ts that it leaves out. */
import test from 'ava'
import { sameBits, titleOf, trainings } from '../support/same_bits.js'

for (const each of trainings.thorough) test.serial(titleOf(each), (t) => sameBits(t, each))
