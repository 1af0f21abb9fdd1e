/** Every network that has a name, out as ONNX and in again, at its own depth and with its own input; every unit of the paper at 110 layers. */
import test from 'ava'
import { preResNet } from '../../lib/models/index.js'
import { modelNames, type ModelName } from '../../lib/models/names.js'
import { unitNames } from '../../lib/models/units.js'
import { roundTrip } from './round_trip.js'

/** An eighth of their width: a quarter of a gigabyte of parameters says no more. scripts/verify/onnx.mjs reads them at full width. */
const narrow = { widths: [32, 64, 128, 256] } as const
const wide: readonly string[] = ['preresnet-50', 'preresnet-101', 'preresnet-152', 'preresnet-200'] satisfies ModelName[]

for (const name of Object.keys(modelNames) as ModelName[])
  test.serial(`out and in again: ${name}`, async (t) => {
    const network = preResNet({ ...modelNames[name], ...(wide.includes(name) && narrow) })
    await roundTrip(t, network, { norms: 'kept', input: 'nhwc' })
    await roundTrip(t, network, { norms: 'folded' })
  })

for (const unit of unitNames)
  test.serial(`out and in again: ${unit} of 110 layers`, async (t) => {
    await roundTrip(t, preResNet({ family: 'cifar', depth: 110, unit }), { norms: 'kept', input: 'nchw' })
    await roundTrip(t, preResNet({ family: 'cifar', depth: 110, unit }), { norms: 'folded' })
  })

for (const unit of unitNames)
  test(`out and in again: ${unit} of one layer, with projections`, async (t) => {
    const network = preResNet({ family: 'cifar', widths: [16, 16, 24], units: [1, 1, 2], unit, block: 'one-layer', shortcut: 'projection' })
    await roundTrip(t, network, { norms: 'kept' })
    await roundTrip(t, network, { norms: 'folded' })
  })
