/** Every golden case on the reference and in fp32 on the CPU, and that a case which is wrong or missing fails. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { GoldenReport } from '../../lib/goldens/check.js'
import { checkGoldens } from '../../lib/goldens/check.js'
import { knownCases } from '../../lib/goldens/cases.js'
import { goldenDirectory, preresnet } from '../cli/run.js'
import { everyGoldenPasses } from '../support/goldens.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-goldens-'))
test.after.always(() => rm(folder, { recursive: true, force: true }))

for (const device of ['reference', 'cpu']) {
  test.serial(`goldens --device ${device}`, (t) => everyGoldenPasses(t, ['--device', device]))
}

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
