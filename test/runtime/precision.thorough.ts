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
import { compile } from '../../lib/runtime/compile.js'

const directory = await mkdtemp(join(tmpdir(), 'preresnet-cache-'))
const path = join(directory, 'precision.json')
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
  readonly places: Readonly<Record<string, Readonly<Record<string, { readonly choice: string; readonly seconds: Readonly<Record<string, number>> }>>>>
}
const written = async (): Promise<File> => JSON.parse(await readFile(path, 'utf8')) as File
const kindHere = 'basic units, small images'

/** A number of threads that nobody else asks for, as this process remembers too. */
const choose = (threads: number): ReturnType<typeof fastestPrecision> => fastestPrecision(graph, threads)

test.serial('what was measured is remembered, and taken again', async (t) => {
  const { precision, notes } = await choose(1)
  t.true(able.includes(precision))
  t.deepEqual(notes, [])
  const { format, places } = await written()
  t.is(format, 1)
  t.deepEqual(Object.keys(places).length, 1)
  const [[cacheKey, entries]] = Object.entries(places) as [[string, File['places'][string]]]
  t.regex(cacheKey, /^preresnet \S+, oneDNN \S+, .+, 1 threads$/)
  t.deepEqual(Object.keys(entries), [kindHere])
  const { choice, seconds } = entries[kindHere]!
  t.is(choice, precision)
  t.deepEqual(Object.keys(seconds), able)
  for (const time of Object.values(seconds)) t.true(time > 0)

  const other = able.find((name) => name !== precision)!
  const for3 = cacheKey.replace('1 threads', '3 threads')
  await writeFile(path, JSON.stringify({ format, places: { [for3]: { [kindHere]: { choice: other, seconds } } } }))
  const again = await choose(3)
  t.deepEqual([again.precision, again.notes], [other, []])
  for (const [name, time] of Object.entries(seconds)) t.true(again.reason.includes(`${(1000 * time).toFixed(1)} ms in ${name}`), again.reason)
})

for (const [what, text, says] of [
  ['damaged', '{"format":1,', /precision\.json cannot be used \(.*JSON/],
  ['of another format', '{"format":2,"places":{}}', /precision\.json cannot be used \(expected format 1, got 2\)/],
  ['of something else', '{"format":1,"places":{"a":1}}', /precision\.json cannot be used \(expected an object of objects under "places"/],
] as const) {
  test.serial(`a file that is ${what} is ignored with a word, said once`, async (t) => {
    await writeFile(path, text)
    const { precision, notes } = await choose(10 + text.length)
    t.true(able.includes(precision))
    t.is(notes.length, 1)
    t.regex(notes[0]!, says)
    t.is(Object.keys((await written()).places).length, 1)
    t.like(await choose(10 + text.length), { precision, notes: [] })
  })
}

test.serial('a choice that nobody knows is measured again', async (t) => {
  const cacheKey = Object.keys((await written()).places)[0]!.replace(/\d+ threads/, '4 threads')
  await writeFile(path, JSON.stringify({ format: 1, places: { [cacheKey]: { [kindHere]: { choice: 'fp8', seconds: {} } } } }))
  const { precision, notes } = await choose(4)
  t.true(able.includes(precision))
  t.regex(notes.join('\n'), /1 entries are not what they should be/)
  t.is((await written()).places[cacheKey]![kindHere]!.choice, precision)
})

test.serial('compile takes what is fastest on the CPU, and tells the program what was wrong with the file', async (t) => {
  await writeFile(path, 'no JSON')
  const warnings: string[] = []
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.code === 'PRERESNET_CACHE') warnings.push(warning.message)
  }
  process.on('warning', listen)
  await using session = await compile(preResNet('preresnet-20'), { batch: 1, device: 'cpu', threads: 5 })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  t.is(warnings.length, 1)
  t.regex(warnings[0]!, /precision\.json cannot be used/)
  const [entries] = Object.values((await written()).places)
  t.deepEqual(Object.keys(entries!), [`${kindHere}, inference of one image`], 'a session that does not train is measured by inference')
  t.is(entries![`${kindHere}, inference of one image`]!.choice, session.precision)
  t.regex(session.precisionReason, /^inference of one image of a few layers/)
})

test.serial('inference is measured at one image and at a full batch, which count as the share says', async (t) => {
  await choose(6)
  const cacheKey = Object.keys((await written()).places).find((key) => key.endsWith(' 6 threads'))!
  const [alone, full] = ['one image', '16 images'].map((what) => `${kindHere}, inference of ${what}`) as [string, string]
  const places = { [cacheKey]: { [alone]: { choice: 'fp32', seconds: { fp32: 1, bf16: 2 } }, [full]: { choice: 'bf16', seconds: { fp32: 3, bf16: 2 } } } }
  await writeFile(path, JSON.stringify({ format: 1, places }))
  const chosen: string[] = []
  for (const aloneShare of [0, 0.2, 0.5, 1]) {
    const { precision, reason } = await fastestPrecision(graph, 6, { batch: 16, aloneShare })
    chosen.push(precision)
    if (aloneShare === 0.2) t.regex(reason, /^inference of one image .* took 1000\.0 ms in fp32, 2000\.0 ms in bf16; inference of 16 images .* took 3000\.0 ms/)
  }
  t.deepEqual(chosen, ['bf16', 'bf16', 'fp32', 'fp32'])
})

test.serial('of inference both are timed, and remembered', async (t) => {
  const { precision } = await fastestPrecision(graph, 7, { batch: 64, aloneShare: 0.5 })
  t.true(able.includes(precision))
  const entries = Object.entries((await written()).places).find(([key]) => key.endsWith(' 7 threads'))![1]
  t.deepEqual(Object.keys(entries).sort(), [`${kindHere}, inference of 32 images`, `${kindHere}, inference of one image`])
  const [batch, alone] = ['32 images', 'one image'].map((what) => entries[`${kindHere}, inference of ${what}`]!.seconds['fp32']!) as [number, number]
  t.true(batch > 0 && alone > 0, `${batch} and ${alone}`)
})

test.serial('the environment may decide instead', async (t) => {
  process.env['PRERESNET_AUTO_PRECISION'] = 'bf16'
  const { precision, reason, notes } = await fastestPrecision(graph, 2)
  t.deepEqual([precision, notes], ['bf16', []])
  t.regex(reason, /PRERESNET_AUTO_PRECISION/)
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
