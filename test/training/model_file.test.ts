import test from 'ava'
import { centerCrop, resize } from '../../lib/data/index.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { modelDescription, modelMetadata } from '../../lib/runtime/model_file.js'

const net = network({ input: { height: 4, width: 4, channels: 1 }, layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 2 }) } })
const normalization = { mean: [0.5], std: [0.25] }
const description = { network: net, prepare: { evaluate: [resize(5), centerCrop()], normalization }, classes: ['cat', 'dog'] }
const metadata = modelMetadata(description)

test('metadata bring back network, preparation and classes', (t) => {
  t.deepEqual(modelDescription({ path: 'x', metadata }), description)
  t.deepEqual(modelDescription({ path: 'x', metadata: modelMetadata({ network: net }) }), { network: net })
  t.deepEqual(JSON.parse(metadata['input']!), net.input)
  t.false(metadata['prepare']!.includes('train'))
})

test('metadata of before say the same in their way', (t) => {
  const { prepare: _, ...rest } = metadata
  const before = { ...rest, normalisation: '{"mean":[0.5],"deviation":[0.25]}' }
  const read = (more: Record<string, string>) => modelDescription({ path: 'x', metadata: { ...before, ...more } }).prepare
  t.deepEqual(read({ resize: '5' }), description.prepare)
  t.deepEqual(read({ resize: '0' }), { evaluate: [], normalization })
  t.deepEqual(read({}), { normalization })
  t.throws(() => read({ resize: '3' }), { code: 'ERR_FILE', message: /"resize": expected 0 or at least/ })
  t.throws(() => read({ normalisation: '{"mean":[0],"deviation":[0]}' }), { code: 'ERR_FILE', message: /metadata "normalisation": .*std\[0\]/ })
})

const bad: [string, Record<string, string>, RegExp][] = [
  ['no format', {}, /expected metadata format "preresnet-1", got "none"; was it saved by preresnet/],
  ['no network', { format: 'preresnet-1' }, /metadata "network"/],
  ['a network that is no JSON', { ...metadata, network: '{' }, /"network" is not JSON/],
  ['a network of unknown layers', { ...metadata, network: metadata['network']!.replace('conv2d', 'conv9d') }, /metadata "network": .*conv9d/],
  ['classes that are no names', { ...metadata, classes: '[1]' }, /"classes" is not a list of names/],
  ['a deviation of zero', { ...metadata, prepare: '{"normalization":{"mean":[0],"std":[0]}}' }, /metadata "prepare": .*std\[0\]/],
  ['fewer deviations than means', { ...metadata, prepare: '{"normalization":{"mean":[0],"std":[]}}' }, /std: expected a number for each channel/],
  ['steps without normalization', { ...metadata, prepare: '{"evaluate":[]}' }, /normalization: expected mean and std/],
  [
    'a step of another kind',
    { ...metadata, prepare: '{"evaluate":[{"kind":"turn"}],"normalization":{"mean":[0],"std":[1]}}' },
    /evaluate\[0\]: kind: expected .*"resize".*, got "turn"/,
  ],
  ['random steps', { ...metadata, prepare: '{"evaluate":[{"kind":"flip"}],"normalization":{"mean":[0],"std":[1]}}' }, /no random step/],
]
for (const [name, broken, message] of bad) {
  test(`refused: ${name}`, (t) => {
    t.throws(() => modelDescription({ path: 'model.safetensors', metadata: broken }), { code: 'ERR_FILE', message })
  })
}
