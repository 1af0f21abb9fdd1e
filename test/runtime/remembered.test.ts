import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { cacheDirectory, Remembered } from '../../lib/runtime/remembered.js'

const directory = await mkdtemp(join(tmpdir(), 'preresnet-remembered-'))
process.env['PRERESNET_CACHE'] = directory
test.after.always(() => rm(directory, { recursive: true, force: true }))

const isNumber = (value: unknown): value is number => typeof value === 'number'
const open = (subject: string, cacheKey = 'here'): Promise<Remembered<number>> => Remembered.open(subject, cacheKey, isNumber)

test.serial('$PRERESNET_CACHE, else below $XDG_CACHE_HOME, else below the home directory', (t) => {
  const before = { ...process.env }
  t.is(cacheDirectory(), directory)
  process.env['PRERESNET_CACHE'] = ''
  process.env['XDG_CACHE_HOME'] = '/caches'
  t.is(cacheDirectory(), '/caches/preresnet')
  process.env['XDG_CACHE_HOME'] = ''
  t.true(cacheDirectory().endsWith('/.cache/preresnet'))
  process.env = before
})

test.serial('what others write meanwhile stays, here and at other cache keys', async (t) => {
  const [one, two, elsewhere] = [await open('shared'), await open('shared'), await open('shared', 'elsewhere')]
  one.entries.set('a', 1)
  two.entries.set('b', 2)
  elsewhere.entries.set('a', 3)
  for (const remembered of [one, two, elsewhere]) t.is(await remembered.save(), undefined)
  const again = await open('shared')
  t.is(again.note, undefined)
  t.deepEqual(
    [...again.entries],
    [
      ['a', 1],
      ['b', 2],
    ],
  )
  t.deepEqual(JSON.parse(await readFile(join(directory, 'shared.json'), 'utf8')), { format: 1, places: { here: { a: 1, b: 2 }, elsewhere: { a: 3 } } })
  t.deepEqual(
    (await readdir(directory)).filter((name) => name.startsWith('shared')),
    ['shared.json'],
  )
})

test.serial('no file is no reason for a word, one that cannot be read is', async (t) => {
  t.is((await open('nothing')).note, undefined)
  await mkdir(join(directory, 'folder.json'))
  t.regex((await open('folder')).note!, /folder\.json cannot be used/)
})

test.serial('a cache directory that cannot be made costs the memory, and does not try for ever', async (t) => {
  process.env['PRERESNET_CACHE'] = '/proc/x/y'
  try {
    t.regex((await (await open('unmakeable')).save())!, /unmakeable\.json cannot be written \(ENOENT.*the same will be measured next time/)
  } finally {
    process.env['PRERESNET_CACHE'] = directory
  }
})
