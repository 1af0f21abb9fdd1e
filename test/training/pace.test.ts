import test from 'ava'
import { stepsOfCall, stepsUntilDue } from '../../lib/training/pace.js'

test('the first call takes one step, later ones a tenth of a second', (t) => {
  t.is(stepsOfCall(0, 100), 1)
  t.is(stepsOfCall(0.004, 100), 25)
  t.is(stepsOfCall(0.004, 7), 7)
  t.is(stepsOfCall(3, 100), 1)
})

test('a call ends where something is due', (t) => {
  t.is(stepsUntilDue(0, 1000, [50, 30]), 30)
  t.is(stepsUntilDue(30, 1000, [50, 30]), 20)
  t.is(stepsUntilDue(50, 1000, [50, 30]), 10)
  t.is(stepsUntilDue(995, 1000, [50, 30]), 5)
  t.is(stepsUntilDue(3, 1000, []), 997)
})
