/** Every golden case on every executor, and that a case which is wrong or missing fails. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { GoldenReport } from '../../lib/goldens/check.js'
import { checkGoldens } from '../../lib/goldens/check.js'
import { knownCases } from '../../lib/goldens/cases.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import { goldenDirectory, preresnet } from '../cli/run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-goldens-'))
test.after.always(() => rm(folder, { recursive: true, force: true }))

const executors: readonly (readonly string[])[] = [
  ['--device', 'reference'],
  ['--device', 'cpu'],
  ['--device', 'cpu', '--precision', 'bf16'],
  ...(nativeBf16()
    ? [
        ['--device', 'cpu', '--precision', 'bf16-native'],
        ['--device', 'cpu', '--precision', 'bf16-native', '--convolution', 'auto'],
      ]
    : []),
]
for (const words of executors) {
  test.serial(`goldens ${words.join(' ')}`, async (t) => {
    const { status, stdout, stderr } = await preresnet(['goldens', goldenDirectory, ...words, '--json'])
    t.is(stderr, '')
    const report = JSON.parse(stdout) as GoldenReport
    t.deepEqual(
      report.cases.filter((result) => !result.passed),
      [],
    )
    t.is(report.cases.length, 25)
    t.is(report.compared, 1563)
    for (const { error, bound } of report.cases) t.true(error! <= bound!)
    if (words.some((word) => word.startsWith('bf16'))) t.true(report.medianRatio!.value <= 1.5 && report.medianRatio!.value > 0)
    t.is(status, 0)
  })
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

test.serial('a case that is not there fails', async (t) => {
  const directory = join(folder, 'missing')
  await cp(join(goldenDirectory, 'unit-preact-one-layer.safetensors'), join(directory, 'unit-preact-one-layer.safetensors'))
  const { status, stdout } = await preresnet(['goldens', directory, '--json'])
  const report = JSON.parse(stdout) as GoldenReport
  t.is(status, 1)
  t.is(report.cases.length, knownCases.length)
  const passed = report.cases.filter((result) => result.passed)
  t.deepEqual(
    passed.map((result) => result.case),
    ['unit-preact-one-layer'],
  )
  t.is(report.compared, 11)
  t.regex(report.cases.find((result) => !result.passed)!.reason!, /is not there/)
})

test.serial('a value that differs by ten times the bound fails, and is named', async (t) => {
  const name = 'unit-preact-one-layer'
  const bytes = await readFile(join(goldenDirectory, `${name}.safetensors`))
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<string, { data_offsets: [number, number] }>
  const [begin, end] = header['grad/conv1.weight']!.data_offsets
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + start + begin, bytes.byteOffset + start + end))
  const length = Math.hypot(...values)
  bytes.writeFloatLE(values[7]! + 1e-5 * length, start + begin + 7 * 4)
  await cp(goldenDirectory, join(folder, 'wrong'), { recursive: true, filter: (path) => !path.endsWith('.ts') })
  await writeFile(join(folder, 'wrong', `${name}.safetensors`), bytes)
  const report = await checkGoldens({ directory: join(folder, 'wrong'), device: 'reference', precision: 'fp64', cases: [name] })
  t.false(report.passed)
  t.like(report.cases[0], { case: name, tensor: 'grad/conv1.weight', passed: false, bound: 1e-6 })
  t.true(Math.abs(report.cases[0]!.error! - 1e-5) < 1e-6)
})
