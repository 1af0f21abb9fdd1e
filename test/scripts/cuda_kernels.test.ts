/** What ptxas prints is read right: a check for spills that sees none would pass for ever. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

interface Kernel {
  readonly kernel: string
  readonly architecture: string
  readonly registers: number
  readonly shared: number
  readonly stack: number
  readonly spills: number
}
const module = (await import(join(import.meta.dirname, '../../../scripts/cuda/kernels.mjs'))) as {
  readonly parse: (text: string) => readonly Kernel[]
  readonly kernelsOf: (folder: string, sources: readonly string[], architectures: readonly string[]) => readonly Kernel[]
}

const entry = (
  name: string,
  architecture: string,
  stack: number,
  stores: number,
  loads: number,
) => `ptxas info    : Compiling entry function '${name}' for '${architecture}'
ptxas info    : Function properties for ${name}
    ${stack} bytes stack frame, ${stores} bytes spill stores, ${loads} bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 2048 bytes smem
`

test('registers, shared memory and spills of every kernel', (t) => {
  const text = `ptxas info    : 0 bytes gmem\n${entry('first', 'sm_90a', 0, 0, 0)}${entry('second', 'sm_120', 16, 8, 12)}`
  t.deepEqual(module.parse(text), [
    { kernel: 'first', architecture: '90a', registers: 40, shared: 2048, stack: 0, spills: 0 },
    { kernel: 'second', architecture: '120', registers: 40, shared: 2048, stack: 16, spills: 20 },
  ])
})

test('a kernel of which nothing is said, a file and an architecture that are missing are failures', (t) => {
  t.throws(() => module.parse("ptxas info    : Compiling entry function 'first' for 'sm_80'\n"), { message: /registers and spills of every kernel.*first/ })
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-kernels-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'kernels'))
  writeFileSync(join(folder, 'kernels/sgd.cu.o.ptxas'), entry('sgd', 'sm_80', 0, 0, 0))
  t.is(module.kernelsOf(folder, ['sgd.cu'], ['80']).length, 1)
  t.throws(() => module.kernelsOf(folder, ['sgd.cu'], ['80', '90a']), { message: /sgd\.cu.*none for 90a/ })
  t.throws(() => module.kernelsOf(folder, ['sgd.cu', 'input.cu'], ['80']), { message: /input\.cu.*nothing/ })
})
