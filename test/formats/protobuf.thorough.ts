/** Files that were changed byte by byte: each is read, or refused by one error that says where. */
import test from 'ava'
import { modelProto } from '../../lib/exchange/onnx/messages.js'
import { encodeMessage } from '../../lib/formats/protobuf_messages.js'
import { decodeMessage } from '../../lib/formats/protobuf_reader.js'
import { PreresnetError } from '../../lib/errors.js'
import { Random } from '../support/random.js'

test('100,000 mutated messages', (t) => {
  const whole = encodeMessage(modelProto, {
    irVersion: 8,
    graph: {
      nodes: [{ inputs: ['x', 'w'], outputs: ['y'], name: 'y', operator: 'Conv', attributes: [{ name: 'strides', ints: [2, 2], type: 7 }] }],
      initializers: [{ dims: [1, 1, 1, 2], dataType: 1, name: 'w', rawData: new Uint8Array(8), floatData: Float32Array.of(1, 2), int64Data: [1, 300] }],
      inputs: [{ name: 'x', type: { tensorType: { elementType: 1, shape: { dimensions: [{ parameter: 'N' }, { value: 300 }] } } } }],
    },
    operatorSets: [{ domain: '', version: 17 }],
    metadata: [{ key: 'classes', value: '["a"]' }],
  }).finish()
  const random = new Random(1)
  let refused = 0
  for (let round = 0; round < 100_000; round++) {
    const bytes = whole.slice(0, random.uniform() < 0.3 ? random.integer(whole.length) : whole.length)
    for (let changes = random.integer(4); changes >= 0 && bytes.length > 0; changes--) bytes[random.integer(bytes.length)] = random.integer(256)
    try {
      decodeMessage(modelProto, 'x.onnx', bytes)
    } catch (error) {
      refused++
      if (!(error instanceof PreresnetError && error.code === 'ERR_FILE' && /^x\.onnx: .*byte \d+: /.test(error.message))) {
        t.fail(`${String(error)} of ${Buffer.from(bytes).toString('hex')}`)
        return
      }
    }
  }
  t.true(refused > 10_000 && refused < 100_000, `${refused}`)
})
