import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { filterJsonLines, JsonLinesWriter, readJsonLines } from '../../lib/formats/jsonl.js'
import { temporaryDirectory } from './directory.js'

test('lines are appended and read in order', async (t) => {
  const path = join(await temporaryDirectory(t), 'lines.jsonl')
  for (const step of [1, 2]) {
    const writer = await JsonLinesWriter.open(path)
    await writer.write({ step, text: 'a\nb' })
    await writer.close()
  }
  t.deepEqual(await readJsonLines(path), [
    { step: 1, text: 'a\nb' },
    { step: 2, text: 'a\nb' },
  ])
})

test('a last line that was cut off is left out, another malformed one is an error', async (t) => {
  const path = join(await temporaryDirectory(t), 'cut.jsonl')
  await writeFile(path, '{"step":1}\n{"ste')
  t.deepEqual(await readJsonLines(path), [{ step: 1 }])
  for (const end of ['\n', '\n\n', '\0\0\0', ' ']) {
    await writeFile(path, `{"step":1}\n{"ste${end}`)
    t.deepEqual(await readJsonLines(path), [{ step: 1 }])
  }
  for (const nothing of ['', '\n', '{', '\0\0']) {
    await writeFile(path, nothing)
    t.deepEqual(await readJsonLines(path), [])
  }
  await writeFile(path, '{"step":1}\n{"ste\n{"step":2}\n')
  await t.throwsAsync(readJsonLines(path), { code: 'ERR_FILE', message: /line 2/ })
})

test('what is appended to a file whose last line was cut off is a line of its own', async (t) => {
  const path = join(await temporaryDirectory(t), 'appended.jsonl')
  for (const [before, kept] of [
    ['{"step":1}\n{"st', [{ step: 1 }]],
    ['{"st', []],
    ['{"step":1}', [{ step: 1 }]],
    ['{"step":1}\n', [{ step: 1 }]],
  ] as const) {
    await writeFile(path, before)
    const writer = await JsonLinesWriter.open(path)
    await writer.write({ step: 2 })
    await writer.close()
    t.is(await readFile(path, 'utf8'), [...kept, { step: 2 }].map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
})

test('filtering keeps whole lines, and makes a cut-off file good to append to', async (t) => {
  const path = join(await temporaryDirectory(t), 'filter.jsonl')
  await writeFile(path, '{"step":1}\n{"step":2}\n{"step":3}')
  await filterJsonLines(path, ({ step }) => step !== 2)
  t.is(await readFile(path, 'utf8'), '{"step":1}\n{"step":3}\n')
})
