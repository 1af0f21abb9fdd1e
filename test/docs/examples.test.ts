/** Examples that end within seconds, as their users run them; the others are in examples.thorough.ts, the server in server.test.ts. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { printed, runExample } from '../support/examples.js'

const root = join(import.meta.dirname, '../../..')

test('every example is run by a test', (t) => {
  const names = readdirSync(join(root, 'examples')).map((file) => file.replace(/\.ts$/, ''))
  t.deepEqual(names.sort(), [...Object.keys(printed.quick), ...Object.keys(printed.thorough), 'server'].sort())
})

for (const [name, pattern] of Object.entries(printed.quick))
  test.serial(`examples/${name}.ts runs`, async (t) => {
    t.regex((await runExample(t, name)).printed, pattern)
  })
