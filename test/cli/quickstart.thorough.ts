/** The first run, much shorter: it learns, and where nothing can be learned it does not. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { preresnet } from './run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-quickstart-'))
test.after.always(() => rm(folder, { recursive: true, force: true }))

interface Result {
  readonly trainImages: number
  readonly testImages: number
  readonly testErrors: number
  readonly seconds: number
}

async function quickstart(name: string, ...words: string[]): Promise<Result> {
  const output = join(folder, name)
  const { status, stdout, stderr } = await preresnet(['quickstart', '--epochs', '1', '--output', output, '--json', ...words])
  if (status !== 0) throw new Error(stderr)
  const result = JSON.parse(await readFile(join(output, 'result.json'), 'utf8')) as Result
  assert.deepEqual(JSON.parse(stdout), { ...result, report: join(output, 'report.html') })
  return result
}

test.serial('one epoch on digits, and its pictures', async (t) => {
  const { seconds, ...result } = await quickstart('digits')
  t.like(result, { trainImages: 7996, testImages: 2004 })
  t.true(seconds > 0)
  t.true(result.testErrors < 0.2 * 2004, `${result.testErrors} wrong`)
  const names = await readdir(join(folder, 'digits'))
  for (const name of ['curves.svg', 'predictions.svg', 'report.html', 'model.safetensors', 'manifest.json', 'metrics.jsonl']) t.true(names.includes(name), name)
  const page = await readFile(join(folder, 'digits', 'report.html'), 'utf8')
  t.is([...page.matchAll(/<image /g)].length, 40)
  t.regex(page, /Some test digits/)
})

test.serial('the same on shuffled labels stays above 80 % error', async (t) => {
  const { testErrors, testImages } = await quickstart('shuffled', '--shuffled-labels')
  t.true(testErrors > 0.8 * testImages, `${testErrors} wrong`)
})
