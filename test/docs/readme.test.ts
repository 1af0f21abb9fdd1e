/** The README's code is that of examples/, which the compiler checks. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

const root = join(import.meta.dirname, '../../..')

test('each TypeScript block of the README is an example', (t) => {
  const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
  const examples = readdirSync(join(root, 'examples')).map((file) => readFileSync(join(root, 'examples', file), 'utf8'))
  t.true(blocks.length >= 3)
  for (const block of blocks) t.true(examples.includes(block), block)
})
