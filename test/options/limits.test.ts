/** Limits that native code checks once more are those of the tables: an option has one range. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { digits, loader } from '../../lib/data/index.js'
import { largestPad, randomCrop } from '../../lib/data/prepare/steps.js'
import { loadBinding } from '../../lib/native/load.js'
import { deviceOptions, runOptions } from '../../lib/options/table.js'

const header = readFileSync(join(import.meta.dirname, '../../../native/core/limits.h'), 'utf8')
const native: Record<string, number> = {}
for (const [, name, value, shift] of header.matchAll(/int64_t kLargest(\w+) = (\d+)(?: << (\d+))?;/g)) native[name!] = Number(value) * 2 ** Number(shift ?? 0)

test('native limits are those of the tables', (t) => {
  t.deepEqual(native, {
    Batch: runOptions.batch.limits!.maximum,
    Pad: largestPad,
    Threads: deviceOptions.threads.limits!.maximum,
    Workers: runOptions.workers.limits!.maximum,
  })
})

test('the loader takes the largest border and no larger one, in both languages', async (t) => {
  const { train } = await digits()
  const input = { height: 28, width: 28, channels: 1 }
  const largest = loader(train, { input, batch: 2, prepare: { train: [randomCrop({ pad: largestPad })] } })
  t.truthy(await largest.next(0))
  await largest.close()
  t.throws(() => randomCrop({ pad: largestPad + 1 }), { code: 'ERR_OPTION', message: /an integer from 0 to 1024, got 1025/ })
  const binding = loadBinding()
  const create = binding.createLoader.bind(binding)
  binding.createLoader = (description) => create({ ...description, pad: largestPad + 1 })
  t.teardown(() => (binding.createLoader = create))
  t.throws(() => loader(train, { input, batch: 2 }), { code: 'ERR_OPTION', message: /pad.*1024/ })
})
