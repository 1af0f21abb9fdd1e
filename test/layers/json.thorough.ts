/** The case of json.test.ts that takes long: a million nodes are made before one is too many. */
import test from 'ava'
import { buildGraph } from '../../lib/graph/build.js'
import { networkFromJson } from '../../lib/layers/index.js'

test('a network of a billion layers is refused, not built', (t) => {
  const relus = {
    kind: 'repeat',
    count: 1000,
    from: 0,
    layer: { kind: 'repeat', count: 1000, from: 0, layer: { kind: 'repeat', count: 1000, from: 0, layer: { kind: 'relu' } } },
  }
  const data = { kind: 'network', name: 'wide', input: { height: 1, width: 1, channels: 1 }, layers: { kind: 'sequential', children: [['relus', relus]] } }
  t.throws(() => buildGraph(networkFromJson(data)), { code: 'ERR_OPTION', message: /at most 1000000 nodes/ })
})
