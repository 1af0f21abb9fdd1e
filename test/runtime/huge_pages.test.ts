/** Huge pages are asked for where a session trains, and nowhere else: an inference is no faster with them, and its first answer comes later. */
import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { compile, preResNet, sgd } from '../../lib/index.js'

/** Bytes [bytes] of this process for which the system was asked for huge pages: flag `hg` of proc(5). */
function asked(): number {
  let [total, size] = [0, 0]
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const [name, value] = line.split(/:\s*/, 2)
    if (name === 'Size') size = 1024 * Number.parseInt(value!)
    if (name === 'VmFlags' && value!.split(' ').includes('hg')) total += size
  }
  return total
}

/** ResNet-110 and a batch of 32 images have arenas and scratch memory of many huge pages each. */
const options = { device: 'cpu', precision: 'fp32', batch: 32, threads: 1 } as const

test.serial('a session that only infers asks for no huge pages', async (t) => {
  const before = asked()
  await using session = await compile(preResNet('preresnet-110'), { ...options, evaluation: false })
  t.true(session.memory.total > 2 ** 24)
  t.is(asked(), before)
})

test.serial('a session that trains asks for them, where the system has any', async (t) => {
  const before = asked()
  await using session = await compile(preResNet('preresnet-110'), { ...options, optimizer: sgd() })
  const wanted = existsSync('/sys/kernel/mm/transparent_hugepage') ? session.memory.total / 2 : 0
  t.true(asked() - before >= wanted, `${asked() - before} of ${session.memory.total} bytes`)
})
