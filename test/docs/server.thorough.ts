/** examples/server.ts, as its users start it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request, type ClientRequest } from 'node:http'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { memoryDataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { temporaryFolder } from '../support/folder.js'
import { randomBytes } from '../support/bytes.js'
import { rgbPng } from '../support/png.js'

const side = 12
const server = join(import.meta.dirname, '../../examples/server.js')

async function start(t: ExecutionContext): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const model = join(await temporaryFolder(t), 'model.safetensors')
  const images = new Uint8Array(4 * side * side * 3).map((_, index) => (index * 31) % 256)
  const data = await memoryDataset({ images, labels: [0, 1, 2, 3], height: side, width: side, channels: 3, classes: ['ant', 'bee', 'cat', 'dog'] })
  const network = preResNet({ family: 'cifar', depth: 8, widths: [16, 16, 16], classes: 4, input: { height: side, width: side, channels: 3 } })
  await using session = await compile(network, { data, prepare: {}, batch: 4, threads: 1 })
  await session.save(model)
  const child = spawn(process.execPath, [server, model], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, port: Number(/^port (\d+)/.exec(line.toString())![1]) }
}

interface Reply {
  readonly status: number | undefined
  readonly content: unknown
}

function replyTo(sent: ClientRequest): Promise<Reply> {
  return new Promise((resolve, reject) => {
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, content: JSON.parse(Buffer.concat(chunks).toString()) }))
    })
    sent.on('error', reject)
  })
}

function send(port: number, body: Uint8Array, method = 'POST', headers: Record<string, string> = {}): Promise<Reply> {
  const sent = request({ port, method, headers })
  const reply = replyTo(sent)
  sent.end(body)
  return reply
}

/** A request that the server has begun with, and waits for the body of. */
async function begin(port: number): Promise<(body: Uint8Array) => Promise<Reply>> {
  const sent = request({ port, method: 'POST', headers: { expect: '100-continue' } })
  const reply = replyTo(sent)
  sent.flushHeaders()
  await once(sent, 'continue')
  return (body) => {
    sent.end(body)
    return reply
  }
}

const image = (variant: number): Buffer => rgbPng(side, side, randomBytes(side * side * 3, variant))

test.serial('answers, and refusals that are the client’s', async (t) => {
  const { port } = await start(t)
  const good = await send(port, image(1))
  t.is(good.status, 200)
  t.is((good.content as unknown[]).length, 3)
  for (const [status, body, method] of [
    [400, Buffer.alloc(0), 'POST'],
    [400, Buffer.from('no picture'), 'POST'],
    [400, image(1).subarray(0, 200), 'POST'],
    [400, rgbPng(8200, 4100, new Uint8Array(8200 * 4100 * 3)), 'POST'],
    [405, Buffer.alloc(0), 'GET'],
  ] as const) {
    const { status: found, content } = await send(port, body, method)
    t.is(found, status)
    t.is(typeof (content as { error: unknown }).error, 'string')
  }
  // Said before, or found while it comes.
  t.is((await send(port, Buffer.alloc(0), 'POST', { 'content-length': '20000001', expect: '100-continue' })).status, 413)
  t.deepEqual(await send(port, image(1)), good)
})

test.serial('a client that goes away keeps its place until its image is decoded', async (t) => {
  const { port } = await start(t)
  const large = rgbPng(8192, 4096, new Uint8Array(8192 * 4096 * 3))
  const waiting = await Promise.all(Array.from({ length: 63 }, () => begin(port)))
  const leaving = request({ port, method: 'POST', headers: { expect: '100-continue' } })
  leaving.on('error', () => undefined)
  leaving.flushHeaders()
  await once(leaving, 'continue')
  const status = async (): Promise<number | undefined> => (await send(port, Buffer.alloc(0))).status
  t.is(await status(), 503)
  await new Promise<void>((sent) => leaving.end(large, () => sent()))
  // Answers that come meanwhile: the server has read what was sent before, and then that the client has gone.
  for (let turn = 0; turn < 3; turn++) await status()
  leaving.destroy()
  const replies = [await status(), await status(), await status()]
  t.deepEqual(replies, [503, 503, 503])
  while ((await status()) !== 400);
  t.deepEqual(
    (await Promise.all(waiting.map((finish, index) => finish(image(index))))).map((reply) => reply.status),
    waiting.map(() => 200),
  )
})

test.serial('told to stop, it answers what runs and ends', async (t) => {
  const { child, port } = await start(t)
  const ended = once(child, 'exit')
  const large = rgbPng(3000, 3000, new Uint8Array(27_000_000))
  const begun = await Promise.all(Array.from({ length: 6 }, () => begin(port)))
  const [first, second, ...others] = begun
  const replies = [first!(large), second!(large)]
  child.kill('SIGTERM')
  // Until it takes no more connections: it knows that it is to stop.
  await t.throwsAsync(async () => {
    for (;;) await send(port, image(1))
  })
  replies.push(...others.map((finish, index) => finish(index % 2 === 0 ? large : image(index))))
  t.deepEqual(
    (await Promise.all(replies)).map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  )
  t.deepEqual(await ended, [0, null])
  await t.throwsAsync(send(port, image(1)), { code: 'ECONNREFUSED' })
})
