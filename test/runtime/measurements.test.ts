/** The measurement behind `precision: 'auto'` is made once, remembered, and never trusted where it is damaged. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import type { ModelName } from '../../lib/models/names.js'
import { nativeBf16 } from '../../lib/runtime/device.js'
import { fastestPrecision, kindOf } from '../../lib/runtime/precision.js'

const directory = await mkdtemp(join(tmpdir(), 'preresnet-cache-'))
const path = join(directory, 'measurements.json')
const before = { ...process.env }
process.env['PRERESNET_CACHE'] = directory
Reflect.deleteProperty(process.env, 'PRERESNET_AUTO_PRECISION')
test.after.always(async () => {
  process.env = before
  await rm(directory, { recursive: true, force: true })
})

const graph = buildGraph(preResNet('preresnet-20'))
const able = ['fp32', 'bf16', ...(nativeBf16() ? ['bf16-native'] : [])]

interface File {
  readonly format: number
  readonly measurements: Readonly<Record<string, { readonly choice: string; readonly seconds: Readonly<Record<string, number>> }>>
}
const written = async (): Promise<File> => JSON.parse(await readFile(path, 'utf8')) as File

/** Warnings that the run gives, and its result. A number of threads that nobody else asks for, as this process remembers too. */
async function choose(threads: number): Promise<{ precision: string; warnings: readonly string[] }> {
  const warnings: string[] = []
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.code === 'PRERESNET_CACHE') warnings.push(warning.message)
  }
  process.on('warning', listen)
  const precision = await fastestPrecision(graph, threads)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  return { precision, warnings }
}

test.serial('what was measured is remembered, and taken again', async (t) => {
  const { precision, warnings } = await choose(1)
  t.true(able.includes(precision))
  t.deepEqual(warnings, [])
  const { format, measurements } = await written()
  t.is(format, 1)
  const [[key, { choice, seconds }]] = Object.entries(measurements) as [[string, File['measurements'][string]]]
  t.regex(key, /^preresnet \S+ \| oneDNN \S+ \| .+ \| 1 threads \| basic units, small images$/)
  t.is(choice, precision)
  t.deepEqual(Object.keys(seconds), able)
  for (const time of Object.values(seconds)) t.true(time > 0)

  const other = able.find((name) => name !== precision)!
  const for3 = key.replace('1 threads', '3 threads')
  await writeFile(path, JSON.stringify({ format, measurements: { [for3]: { choice: other, seconds } } }))
  t.deepEqual(await choose(3), { precision: other, warnings: [] })
})

for (const [what, text] of [
  ['damaged', '{"format":1,'],
  ['of another format', '{"format":2,"measurements":{}}'],
  ['of something else', '{"format":1,"measurements":{"a":1}}'],
] as const) {
  test.serial(`a file that is ${what} is ignored with a word`, async (t) => {
    await writeFile(path, text)
    const { precision, warnings } = await choose(10 + text.length)
    t.true(able.includes(precision))
    t.is(warnings.length, 1)
    t.regex(warnings[0]!, /measurements\.json: expected measurements of format 1/)
    t.is(Object.keys((await written()).measurements).length, 1)
  })
}

test.serial('a choice that nobody knows is measured again', async (t) => {
  const key = Object.keys((await written()).measurements)[0]!.replace(/\d+ threads/, '4 threads')
  await writeFile(path, JSON.stringify({ format: 1, measurements: { [key]: { choice: 'fp8', seconds: {} } } }))
  const { precision } = await choose(4)
  t.true(able.includes(precision))
  t.is((await written()).measurements[key]!.choice, precision)
})

test.serial('the environment may decide instead', async (t) => {
  process.env['PRERESNET_AUTO_PRECISION'] = 'bf16'
  t.is(await fastestPrecision(graph, 2), 'bf16')
  process.env['PRERESNET_AUTO_PRECISION'] = 'fp8'
  await t.throwsAsync(fastestPrecision(graph, 2), { code: 'ERR_OPTION', message: /PRERESNET_AUTO_PRECISION/ })
  Reflect.deleteProperty(process.env, 'PRERESNET_AUTO_PRECISION')
})

test('kinds of networks', (t) => {
  const kind = (name: ModelName): string => kindOf(buildGraph(preResNet(name)))
  t.is(kind('preresnet-110'), 'basic units, small images')
  t.is(kind('preresnet-164'), 'bottleneck units, small images')
  t.is(kind('preresnet-18'), 'basic units, large images')
  t.is(kind('preresnet-200'), 'bottleneck units, large images')
})
