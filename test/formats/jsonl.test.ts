import { appendFile, readFile, writeFile } from 'node:fs/promises'
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
  await appendFile(path, '\n{"step":2}\n')
  await t.throwsAsync(readJsonLines(path), { code: 'ERR_FILE', message: /line 2/ })
})

test('filtering keeps whole lines, and makes a cut-off file good to append to', async (t) => {
  const path = join(await temporaryDirectory(t), 'filter.jsonl')
  await writeFile(path, '{"step":1}\n{"step":2}\n{"step":3}')
  await filterJsonLines(path, ({ step }) => step !== 2)
  t.is(await readFile(path, 'utf8'), '{"step":1}\n{"step":3}\n')
})
