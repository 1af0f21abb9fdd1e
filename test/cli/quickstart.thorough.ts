/** Where nothing can be learned, nothing is: a network that still does well has seen the test set. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { preresnet } from './run.js'

const place = await mkdtemp(join(tmpdir(), 'preresnet-quickstart-'))
test.after.always(() => rm(place, { recursive: true, force: true }))

interface Result {
  readonly trainImages: number
  readonly testImages: number
  readonly testErrors: number
  readonly seconds: number
}

async function quickstart(name: string, ...words: string[]): Promise<Result> {
  const output = join(place, name)
  const { status, stderr } = await preresnet(['quickstart', '--epochs', '1', '--output', output, ...words])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(await readFile(join(output, 'result.json'), 'utf8')) as Result
}

test.serial('an epoch of quickstart on shuffled labels stays above 80 % error', async (t) => {
  const { testErrors, testImages } = await quickstart('shuffled', '--shuffled-labels')
  t.true(testErrors > 0.8 * testImages, `${testErrors} wrong`)
})
