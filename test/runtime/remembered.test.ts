import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { cacheDirectory } from '../../lib/cache_directory.js'
import { Remembered } from '../../lib/runtime/remembered.js'

const directory = await mkdtemp(join(tmpdir(), 'preresnet-remembered-'))
process.env['PRERESNET_CACHE'] = directory
test.after.always(() => rm(directory, { recursive: true, force: true }))

const isNumber = (value: unknown): value is number => typeof value === 'number'
const open = (subject: string, cacheKey = 'here'): Promise<Remembered<number>> => Remembered.open(subject, cacheKey, isNumber)

/** Into process.env itself: os.homedir() reads the environment of the process, not an object that was put in its place. */
async function withEnvironment(changes: Readonly<Record<string, string>>, work: () => unknown): Promise<void> {
  const before = Object.keys(changes).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, changes)
  try {
    await work()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  }
}

test.serial('$PRERESNET_CACHE, else below $XDG_CACHE_HOME, else below the home directory', async (t) => {
  t.is(cacheDirectory(), directory)
  const home = { PRERESNET_CACHE: '', HOME: '/home/somebody' }
  await withEnvironment({ ...home, XDG_CACHE_HOME: '/caches' }, () => t.is(cacheDirectory(), '/caches/preresnet'))
  for (const shared of ['', 'relative'])
    await withEnvironment({ ...home, XDG_CACHE_HOME: shared }, () => t.is(cacheDirectory(), '/home/somebody/.cache/preresnet'))
  t.is(cacheDirectory(), directory)
})

const withoutDirectory: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'an empty HOME': { HOME: '' },
  'a relative HOME': { HOME: 'home' },
  'a relative PRERESNET_CACHE': { HOME: '/home/somebody', PRERESNET_CACHE: 'cache' },
  'a relative XDG_CACHE_HOME and an empty HOME': { HOME: '', XDG_CACHE_HOME: 'cache' },
}
for (const [title, more] of Object.entries(withoutDirectory)) {
  test.serial(`${title} is no cache directory: nothing is remembered, nothing is written, and a word says so`, async (t) => {
    await withEnvironment({ PRERESNET_CACHE: '', XDG_CACHE_HOME: '', ...more }, async () => {
      t.is(cacheDirectory(), undefined)
      const remembered = await open('nowhere')
      t.regex(remembered.note!, /there is no cache directory: expected an absolute path in PRERESNET_CACHE, XDG_CACHE_HOME or HOME/)
      remembered.entries.set('a', 1)
      t.is(await remembered.save(), undefined)
      t.deepEqual([...remembered.entries], [['a', 1]])
    })
    for (const name of ['.cache', 'cache', 'home', 'nowhere.json']) t.false(existsSync(name), name)
  })
}

test.serial('a user without an entry and without HOME has no cache directory, and that is no error', async (t) => {
  const real = os.homedir
  os.homedir = () => {
    throw Object.assign(new Error('A system error occurred: uv_os_homedir returned ENOENT (no such file or directory)'), { code: 'ERR_SYSTEM_ERROR' })
  }
  syncBuiltinESMExports()
  try {
    await withEnvironment({ PRERESNET_CACHE: '', XDG_CACHE_HOME: '' }, async () => {
      t.is(cacheDirectory(), undefined)
      t.regex((await open('nobody')).note!, /there is no cache directory/)
    })
  } finally {
    os.homedir = real
    syncBuiltinESMExports()
  }
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
