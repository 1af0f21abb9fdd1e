/** examples/service, as its users start it, and requests to it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request, type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { writeModel } from '../inference/model.js'
import { temporaryFolder } from '../support/folder.js'

const main = join(import.meta.dirname, '../../examples/service/main.js')

export async function start(t: ExecutionContext): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const model = join(await temporaryFolder(t), 'model.safetensors')
  await writeModel(model)
  const child = spawn(process.execPath, [main, model], { env: { ...process.env, PORT: '0', HOST: '127.0.0.1' }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, port: Number(/^port (\d+)/.exec(line.toString())![1]) }
}

export interface Reply {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export function replyTo(sent: ClientRequest): Promise<Reply> {
  return new Promise((resolve, reject) => {
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }))
    })
    sent.on('error', reject)
  })
}

export const contentOf = ({ body }: Reply): Readonly<Record<string, unknown>> => JSON.parse(body.toString()) as Record<string, unknown>

export function post(port: number, path: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Reply> {
  const sent = request({ port, path, method: 'POST', headers })
  const reply = replyTo(sent)
  sent.end(body)
  return reply
}

export function get(port: number, path: string, method = 'GET'): Promise<Reply> {
  const sent = request({ port, path, method })
  const reply = replyTo(sent)
  sent.end()
  return reply
}

/** A request that the service has begun with, and waits for the body of. */
export async function begin(port: number): Promise<{ readonly finish: (body: Uint8Array) => Promise<Reply>; readonly sent: ClientRequest }> {
  const sent = request({ port, path: '/classify', method: 'POST', headers: { expect: '100-continue' } })
  const reply = replyTo(sent)
  reply.catch(() => undefined)
  sent.flushHeaders()
  await once(sent, 'continue')
  const finish = (body: Uint8Array): Promise<Reply> => {
    sent.end(body)
    return reply
  }
  return { finish, sent }
}
