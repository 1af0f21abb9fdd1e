/** Parameters and running statistics have the names and shapes of the golden networks. */
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet, type PreResNetDescription } from '../../lib/models/index.js'

const directory = new URL('../../../test/goldens/', import.meta.url)

interface Header {
  readonly description: { readonly image: number } & Pick<
    PreResNetDescription,
    'family' | 'depth' | 'units' | 'block' | 'shortcut' | 'unit' | 'widths' | 'strideOn' | 'classes'
  >
  /** `before/` tensors. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
}

function readHeader(file: string): Header {
  const bytes = readFileSync(new URL(file, directory))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as Record<
    string,
    { readonly shape: readonly number[]; readonly case: string }
  >
  const before = Object.entries(header).filter(([name]) => name.startsWith('before/'))
  return {
    description: JSON.parse(header['__metadata__']!.case) as Header['description'],
    shapes: Object.fromEntries(before.map(([name, { shape }]) => [name.slice('before/'.length), shape])),
  }
}

const files = readdirSync(directory).filter((file) => file.startsWith('net-') && file.endsWith('.safetensors'))

test('all six golden networks are here', (t) => {
  t.is(files.length, 6)
})

for (const file of files) {
  test(file, (t) => {
    const { description, shapes } = readHeader(file)
    const { family, depth, units, block, shortcut, unit, widths, strideOn, classes, image } = description
    const given = Object.entries({ family, depth, units, block, shortcut, unit, widths, strideOn, classes }).filter(([, value]) => value !== undefined)
    const graph = buildGraph(preResNet({ ...(Object.fromEntries(given) as unknown as PreResNetDescription), input: { height: image, width: image } }))
    const got = [...graph.parameters, ...graph.buffers].map(({ name, shape }) => [name, shape])
    t.deepEqual(Object.fromEntries(got), shapes)
  })
}
