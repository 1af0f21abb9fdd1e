// POST an image, get its classes: node server.js model.safetensors, curl --data-binary @picture.jpg localhost:8080
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { Classifier, PreresnetError } from 'preresnet'

const mostBytes = 20_000_000

async function body(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

await using classifier = await Classifier.load(process.argv[2] ?? 'model.safetensors', { top: 3 })

async function answer(request: IncomingMessage): Promise<readonly [status: number, content: unknown]> {
  const image = await body(request)
  if (image === undefined) return [413, { error: `expected at most ${mostBytes} bytes` }]
  try {
    return [200, await classifier.classify(image)] // requests that come meanwhile share the next batch
  } catch (error) {
    if (error instanceof PreresnetError && error.code === 'ERR_IMAGE') return [400, { error: error.message }]
    console.error(error)
    return [500, { error: 'internal error' }]
  }
}

const server = createServer((request, response) => {
  answer(request).then(
    ([status, content]) => response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(content)),
    () => response.destroy(), // the client went away
  )
}).listen(8080)

await once(process, 'SIGTERM')
server.close()
await once(server, 'close')
