// The service of examples/service on a Classifier, or on onnxruntime-node and sharp: server.mjs ours|theirs FOLDER MODULES PRECISION
import { once } from 'node:events'
import { limits } from '../../../dist/examples/service/limits.js'
import { serve } from '../../../dist/examples/service/server.js'
import { Classifier } from '../../../dist/lib/index.js'
import { filesIn } from './model.mjs'
import { Rival } from './rival.mjs'

const input = { height: 224, width: 224, channels: 3 }
const [side, folder, modules, precision] = process.argv.slice(2)

const classifier =
  side === 'ours'
    ? await Classifier.load(filesIn(folder).own, { precision, maxPixels: limits.pixels, maxQueue: limits.queue })
    : await Rival.load(modules, filesIn(folder).onnx, input)
const { height, width, channels } = input
await classifier.infer({ pixels: new Uint8Array(height * width * channels), height, width })
const server = serve({ name: 'model', classifier, features: 0, ready: true })
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(JSON.stringify({ port: server.address().port, precision: classifier.precisionReason }))
process.once('SIGTERM', () => process.exit(0))
