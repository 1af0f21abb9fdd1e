/** Examples that train. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { printed, runExample } from '../support/examples.js'

for (const [name, pattern] of Object.entries(printed.thorough))
  test.serial(`examples/${name}.ts runs`, async (t) => {
    const { folder, printed: text } = await runExample(t, name)
    t.regex(text, pattern)
    if (text.includes('wrong')) t.true(existsSync(join(folder, 'runs/digits/model.safetensors')))
  })
