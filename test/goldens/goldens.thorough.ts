/** Every golden case in the other precisions of the CPU, and the units with Winograd's algorithm. */
import test from 'ava'
import { checkGoldens } from '../../lib/goldens/check.js'
import { knownCases } from '../../lib/goldens/cases.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import { goldenDirectory } from '../cli/run.js'
import { everyGoldenPasses } from '../support/goldens.js'

const executors: readonly (readonly string[])[] = [
  ['--device', 'cpu', '--precision', 'bf16'],
  ...(nativeBf16()
    ? [
        ['--device', 'cpu', '--precision', 'bf16-native'],
        ['--device', 'cpu', '--precision', 'bf16-native', '--convolution', 'auto'],
      ]
    : []),
]
for (const words of executors) {
  test.serial(`goldens ${words.join(' ')}`, (t) => everyGoldenPasses(t, words))
}

// Networks are left to the direct convolutions: after some steps a single ReLU near zero decides more than rounding does.
test.serial("units with Winograd's algorithm, as in training", async (t) => {
  const cases = knownCases.filter((name) => name.startsWith('unit-'))
  const options = { directory: goldenDirectory, device: 'cpu', precision: 'fp32', cases } as const
  const [direct, fast] = [await checkGoldens(options), await checkGoldens({ ...options, convolution: 'auto' })]
  t.deepEqual(
    fast.cases.filter((result) => !result.passed),
    [],
  )
  t.is(fast.cases.length, 19)
  t.true(fast.cases.every(({ bound }) => bound === 3e-5))
  t.notDeepEqual(
    fast.cases.map(({ error }) => error),
    direct.cases.map(({ error }) => error),
    'the algorithm was another one',
  )
})
