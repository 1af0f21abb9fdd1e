/** All of any_batch.test.ts, with more batches and threads. */
import test from 'ava'
import { answers, sameAnswers, titleOf } from '../support/any_batch.js'

for (const each of [...answers.quick, ...answers.thorough]) {
  test.serial(titleOf(each), (t) => sameAnswers(t, each, [1, 2, 3, 8, 33], [1, 2, 3]))
}
