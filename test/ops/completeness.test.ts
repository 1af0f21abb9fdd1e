import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { contracts } from '../../lib/contracts.js'

test('every operation of the contract table is judged in a file of its name', (t) => {
  const folder = import.meta.dirname
  const operations = readdirSync(folder)
    .filter((file) => /\.(test|thorough)\.js$/.test(file))
    .flatMap((file) => {
      const called = /^judge\('(\w+)'/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1]
      if (called !== undefined) t.is(file.replace(/\.\w+\.js$/, ''), called)
      return called ?? []
    })
  t.deepEqual(operations.sort(), Object.keys(contracts).sort())
})

test('every test of `npm test` that judges executors is among those of the other precisions', (t) => {
  const folder = import.meta.dirname
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
  const judging = readdirSync(folder).filter((file) => file.endsWith('.test.js') && /^judge\(|\bof (everyone|onHost)\b/m.test(read(file)))
  t.deepEqual(
    [...read('precisions.thorough.js').matchAll(/^import '\.\/(.*)'/gm)].map(([, file]) => file),
    judging.sort(),
  )
})
