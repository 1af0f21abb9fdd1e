// A service of one model: node main.js model.safetensors, and then a browser, or curl --data-binary @picture.jpg localhost:8080/classify
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { Classifier } from 'preresnet'
import { limits } from './limits.js'
import { serve, type Service } from './server.js'

const path = process.argv[2] ?? 'model.safetensors'
/** Milliseconds from the word to stop until no connection is taken: for balancers, which must see first that the service is no longer ready. */
const drain = Number(process.env['DRAIN'] ?? 0)

await using classifier = await Classifier.load(path, { maxPixels: limits.pixels, maxQueue: limits.queue })
// The first run, which also packs the weights, is nobody's request.
const { height, width, channels } = classifier.input
const { features } = await classifier.infer({ pixels: new Uint8Array(height * width * channels), height, width })
const service: Service = { name: basename(path, '.safetensors'), classifier, features: features?.length ?? 0, ready: true }

const server = serve(service)
server.listen(Number(process.env['PORT'] ?? 8080), process.env['HOST'] ?? '0.0.0.0')
await once(server, 'listening')
console.log(`port ${(server.address() as AddressInfo).port}`)

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
service.ready = false
if (drain > 0) await new Promise((resolve) => setTimeout(resolve, drain))
server.close() // takes no more; those that run are answered
setTimeout(() => server.closeAllConnections(), limits.stop).unref()
await once(server, 'close')
