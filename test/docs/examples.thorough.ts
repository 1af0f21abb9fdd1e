/** Every example as its users run it. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { printed, runExample } from '../support/examples.js'

const root = join(import.meta.dirname, '../../..')

test('every example is run by a test', (t) => {
  const names = readdirSync(join(root, 'examples')).map((file) => file.replace(/\.ts$/, ''))
  t.deepEqual(names.sort(), [...Object.keys(printed), 'service', 'launching'].sort())
})

for (const [name, pattern] of Object.entries(printed))
  test.serial(`examples/${name}.ts runs`, async (t) => {
    const { folder, printed: text } = await runExample(t, name)
    t.regex(text, pattern)
    if (text.includes('wrong')) t.true(existsSync(join(folder, 'runs/digits/model.safetensors')))
  })
