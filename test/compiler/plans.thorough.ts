/** The cases of plans.test.ts that it leaves out. */
import test from 'ava'
import { everyConvolutionHasAnEngine, planned, planTitle } from '../support/plans.js'

for (const each of planned.thorough) test(planTitle(each), (t) => everyConvolutionHasAnEngine(t, each))
