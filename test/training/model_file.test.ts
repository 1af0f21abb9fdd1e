import test from 'ava'
import { classifier, conv2d, network } from '../../lib/layers/index.js'
import { modelDescription, modelMetadata } from '../../lib/training/model_file.js'

const net = network({ input: { height: 4, width: 4, channels: 1 }, layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifier({ classes: 2 }) } })
const description = { network: net, normalisation: { mean: [0.5], deviation: [0.25] }, classes: ['cat', 'dog'] }
const metadata = modelMetadata(description)

test('metadata bring back network, normalisation and classes', (t) => {
  t.deepEqual(modelDescription({ path: 'x', metadata }), description)
  t.deepEqual(modelDescription({ path: 'x', metadata: modelMetadata({ network: net }) }), { network: net })
  t.deepEqual(JSON.parse(metadata['input']!), net.input)
})

const bad: [string, Record<string, string>, RegExp][] = [
  ['no format', {}, /expected metadata format "preresnet-1", got "none"; was it saved by preresnet/],
  ['no network', { format: 'preresnet-1' }, /metadata "network"/],
  ['a network that is no JSON', { ...metadata, network: '{' }, /"network" is not JSON/],
  ['a network of unknown layers', { ...metadata, network: metadata['network']!.replace('conv2d', 'conv9d') }, /metadata "network": .*conv9d/],
  ['classes that are no names', { ...metadata, classes: '[1]' }, /"classes" is not a list of names/],
  ['a deviation of zero', { ...metadata, normalisation: '{"mean":[0],"deviation":[0]}' }, /"normalisation" is malformed/],
  ['fewer deviations than means', { ...metadata, normalisation: '{"mean":[0,0],"deviation":[1]}' }, /malformed/],
]
for (const [name, broken, message] of bad) {
  test(`refused: ${name}`, (t) => {
    t.throws(() => modelDescription({ path: 'model.safetensors', metadata: broken }), { code: 'ERR_FILE', message })
  })
}
