/** Requests in, answers out: which path does what, what is refused, and what a client that leaves takes with it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Classifier, PreresnetError } from 'preresnet'
import { limits } from './limits.js'
import { Metrics } from './metrics.js'
import { page, script, style } from './page.js'
import { formatResponse, modelMetadata, parseRequest, Refusal } from './protocol.js'

export interface Service {
  readonly name: string
  readonly classifier: Classifier
  /** Length of the features. */
  readonly features: number
  /** False while the service ends: balancers send no more then. */
  ready: boolean
}

interface Answer {
  readonly status: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body: string | Buffer
}

const json = (status: number, content: unknown): Answer => ({ status, type: 'application/json', body: JSON.stringify(content) })
const text = (type: string, body: string): Answer => ({ status: 200, type: `text/${type}; charset=utf-8`, body })

/** Statuses of what the library refuses; anything else is a fault of the service. */
function refusal(error: unknown): Answer {
  if (error instanceof Refusal) return json(error.status, { error: error.message })
  if (error instanceof PreresnetError) {
    // What is no image, is damaged or has too many pixels; pixels of a wrong size.
    if (error.code === 'ERR_IMAGE' || error.code === 'ERR_OPTION') return json(400, { error: error.message })
    if (error.code === 'ERR_BUSY') return busy(error.message)
    if (error.code === 'ERR_ABORTED' || error.code === 'ERR_DISPOSED') return busy('the service ends')
  }
  console.error(error)
  return json(500, { error: 'internal error' })
}

const busy = (error: string): Answer => ({ ...json(503, { error }), headers: { 'retry-after': 1 } })

async function body(request: IncomingMessage): Promise<Buffer> {
  const tooMuch = new Refusal(413, `expected at most ${limits.bytes} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > limits.bytes) throw tooMuch
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > limits.bytes) throw tooMuch
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function get(path: string, service: Service, metrics: Metrics): Answer | undefined {
  const { name, classifier, features, ready } = service
  const model = `/v2/models/${encodeURIComponent(name)}`
  switch (path) {
    case '/':
      return text('html', page)
    case '/page.css':
      return text('css', style)
    case '/page.js':
      return text('javascript', script)
    case '/metrics':
      return text('plain; version=0.0.4', metrics.text(classifier))
    case '/v2':
      return json(200, { name: 'preresnet-service', version: '1', extensions: ['binary_tensor_data'] })
    case '/v2/health/live':
      return json(200, { live: true })
    case '/v2/health/ready':
      return json(ready ? 200 : 503, { ready })
    case `${model}/ready`:
      return json(ready ? 200 : 503, { name, ready })
    case model:
      return json(200, modelMetadata(name, classifier, features))
  }
  return undefined
}

async function post(request: IncomingMessage, path: string, { name, classifier }: Service, signal: AbortSignal): Promise<Answer | undefined> {
  if (path === '/classify') return json(200, await classifier.classify(await body(request), { signal }))
  if (path !== `/v2/models/${encodeURIComponent(name)}/infer`) return undefined
  const asked = parseRequest(await body(request), request.headers['inference-header-content-length'] as string | undefined, classifier.input.channels)
  const { body: content, headerLength } = formatResponse(name, asked, await classifier.infer(asked.images, { signal }))
  if (headerLength === undefined) return { status: 200, type: 'application/json', body: content }
  return { status: 200, type: 'application/octet-stream', headers: { 'inference-header-content-length': headerLength }, body: content }
}

async function answer(request: IncomingMessage, service: Service, metrics: Metrics, signal: AbortSignal): Promise<Answer> {
  const [path] = request.url!.split('?') as [string]
  try {
    if (request.method === 'GET' || request.method === 'HEAD') return get(path, service, metrics) ?? json(404, { error: 'no such path' })
    if (request.method !== 'POST') return json(405, { error: 'expected GET or POST' })
    return (await post(request, path, service, signal)) ?? json(404, { error: 'no such path' })
  } catch (error) {
    // Nobody reads it.
    if (signal.aborted || (error as NodeJS.ErrnoException).code === 'ECONNRESET') return json(499, { error: 'the client left' })
    return refusal(error)
  }
}

function send(response: ServerResponse, request: IncomingMessage, { status, type, headers, body: content }: Answer, service: Service): void {
  // What is left of a request that was refused is not read: its connection ends. So do all while the service ends.
  const ends = !service.ready || !request.complete
  response.writeHead(status, {
    ...(type !== undefined && { 'content-type': type }),
    'content-length': Buffer.byteLength(content),
    'content-security-policy': "default-src 'self'; img-src blob:",
    'x-content-type-options': 'nosniff',
    ...headers,
    ...(ends && { connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : content)
}

export function serve(service: Service): Server {
  const metrics = new Metrics()
  let requests = 0
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A client that goes away takes its images out of the queue.
    const left = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) left.abort(new Error('the client left'))
    })
    const full = request.method === 'POST' && requests >= limits.requests
    requests++
    try {
      const found = full ? busy('too many requests at a time') : await answer(request, service, metrics, left.signal)
      if (left.signal.aborted || response.destroyed) return
      metrics.answered(found.status)
      send(response, request, found, service)
    } finally {
      requests--
    }
  }
  const server = createServer({
    headersTimeout: limits.headers,
    requestTimeout: limits.request,
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: 500,
  })
  server.maxConnections = limits.connections
  server.on('request', (request, response) => void handle(request, response))
  return server
}
