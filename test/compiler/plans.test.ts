/** What the rules choose is what cuDNN said it has. */
import test from 'ava'
import { everyConvolutionHasAnEngine, planned, planTitle } from '../support/plans.js'

for (const each of planned.quick) test(planTitle(each), (t) => everyConvolutionHasAnEngine(t, each))
