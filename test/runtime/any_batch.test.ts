import test from 'ava'
import { answers, sameAnswers, titleOf } from '../support/any_batch.js'

for (const each of answers.quick) test.serial(titleOf(each), (t) => sameAnswers(t, each, [1, 5], [1, 3]))
