// POST an image, get its classes: node server.js model.safetensors, curl --data-binary @picture.jpg localhost:8080
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Classifier, PreresnetError } from 'preresnet'

const mostBytes = 20_000_000 // of a file
const mostPixels = 2 ** 25 // of an image: a file of a few bytes can hold a large one, which takes 3 bytes a pixel (9 in some JPEG files)
const mostRequests = 64 // at a time, each until it is answered and its image decoded: together they hold no more than 64 files (a file twice while its pieces are joined)
const patience = 10_000 // milliseconds that a client has for its upload, and requests for their end when the server is told to stop

type Answer = readonly [status: number, content: unknown]

/** Undefined where it is longer than it may be; the rest is not read. */
async function body(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return undefined
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

await using classifier = await Classifier.load(process.argv[2] ?? 'model.safetensors', { top: 3, maxPixels: mostPixels })
let requests = 0

async function answer(request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'POST') return [405, { error: 'expected POST' }]
  if (requests > mostRequests) return [503, { error: 'too many requests at a time' }]
  const image = await body(request)
  if (image === undefined) return [413, { error: `expected at most ${mostBytes} bytes` }]
  try {
    return [200, await classifier.classify(image)] // requests that come meanwhile share the next batch
  } catch (error) {
    // What is no image, is damaged or has too many pixels.
    if (error instanceof PreresnetError && error.code === 'ERR_IMAGE') return [400, { error: error.message }]
    console.error(error)
    return [500, { error: 'internal error' }]
  }
}

const server = createServer({ requestTimeout: patience, connectionsCheckingInterval: 1_000 }, (request, response) => {
  requests++
  const closed = once(response, 'close')
  const answered = answer(request).then(
    ([status, content]) => response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(content)),
    () => response.destroy(), // the client went away
  )
  // A client that goes away leaves its image in the queue.
  void Promise.allSettled([closed, answered]).then(() => requests--)
})
server.listen(Number(process.env['PORT'] ?? 8080))
await once(server, 'listening')
console.log(`port ${(server.address() as AddressInfo).port}`)

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
server.close() // takes no more; those that run are answered
setTimeout(() => server.closeAllConnections(), patience).unref()
await once(server, 'close')
