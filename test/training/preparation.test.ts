/** What comes before the first step: it can be ended, and leaves nothing behind. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { loadBinding } from '../../lib/native/load.js'
import { fit, type FitOptions, type FitSettings } from '../../lib/training/index.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from './tiny.js'

const options = async (more: Partial<FitSettings> = {}): Promise<FitOptions> => ({
  train: (await someDigits()).train,
  batch: 8,
  steps: 4,
  threads: 1,
  learningRate: 0.1,
  ...more,
})

const native = loadBinding()
const original = native.createSession.bind(native)
let asked = 0
native.createSession = (...words) => {
  asked++
  return original(...words)
}
test.beforeEach(() => (asked = 0))

test.serial('a signal that was given before ends a run before anything is compiled', async (t) => {
  const directory = join(await temporaryDirectory(t), 'deep', 'run')
  const run = fit(tiny(), await options({ signal: AbortSignal.abort(), checkpoint: { directory } }))
  await t.throwsAsync(run.finished, { code: 'ERR_ABORTED' })
  t.is(asked, 0)
  t.deepEqual(await readdir(join(directory, '../..')), [])
})

test.serial('a run that is disposed of while it is prepared leaves no directory', async (t) => {
  const directory = join(await temporaryDirectory(t), 'deep', 'run')
  const run = fit(tiny(), await options({ checkpoint: { directory } }))
  await nextTurn()
  await run[Symbol.asyncDispose]()
  await t.throwsAsync(run.finished, { code: 'ERR_ABORTED' })
  t.deepEqual(await readdir(join(directory, '../..')), [])
})

test.serial('a profile that cannot be written is refused before anything is compiled', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'folder'))
  for (const [profile, message] of [
    [join(directory, 'missing', 'trace.json'), /trace\.json: could not write: no such file or directory/],
    [join(directory, 'folder'), /folder: could not write: is a directory/],
  ] as const) {
    await t.throwsAsync(fit(tiny(), await options({ profile })).finished, { code: 'ERR_FILE', message })
  }
  t.is(asked, 0)
  t.deepEqual(await readdir(directory), ['folder'])
})

test.serial('as many classes as outputs, in both directions and both datasets', async (t) => {
  const { train, test: validate } = await someDigits()
  const three = { ...train, name: 'three', classes: ['a', 'b', 'c'] }
  for (const [more, classes, message] of [
    [{}, 7, 'fit: train: expected 7 classes, as network "tiny" has outputs, got the 10 of dataset train (0, 1, 2, 3, 4, ...); make the network for 10 classes'],
    [
      { train: three },
      10,
      'fit: train: expected 10 classes, as network "tiny" has outputs, got the 3 of dataset three (a, b, c); make the network for 3 classes',
    ],
    [
      { validate: { ...validate, classes: three.classes } },
      10,
      'fit: validate: test: expected the classes of the training images (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), got a, b, c; the first that differs is class 0: "0" and "a"',
    ],
  ] as const) {
    const settings = await options(more)
    await t.throwsAsync(async () => fit(tiny({ classes }), settings).finished, { code: 'ERR_DATASET', message })
  }
  t.is(asked, 0)
})

test('a directory that cannot be made is an error, not an endless search', async (t) => {
  await t.throwsAsync(fit(tiny(), await options({ checkpoint: { directory: '/proc/x/y' } })).finished, {
    code: 'ERR_CHECKPOINT',
    message: '/proc/x/y: could not create: no such file or directory',
  })
  await t.throwsAsync(fit(tiny(), await options({ output: '/proc/x' })).finished, { code: 'ERR_CHECKPOINT', message: /proc\/x: could not create/ })
})
