/** Twenty steps of training give the same weights, to the bit, for any number of threads and any number of images in a block. */
import test from 'ava'
import { sameBits, titleOf, trainings } from '../support/same_bits.js'

for (const each of trainings.quick) test.serial(titleOf(each), (t) => sameBits(t, each))
