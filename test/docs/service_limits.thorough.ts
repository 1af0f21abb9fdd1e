/** examples/service under clients that send slowly, too much, nothing, or vanish, and at its end under load. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { picture } from '../inference/model.js'
import { pngHeader } from '../support/png.js'
import { begin, contentOf, get, post, replyTo, start } from './service.js'

const empty = /^preresnet_queued_images 0$/m
const metricsOf = async (port: number): Promise<string> => (await get(port, '/metrics')).body.toString()

const expectAlive = async (t: ExecutionContext, port: number): Promise<void> => {
  t.is((await post(port, '/classify', picture(1))).status, 200)
  t.regex(await metricsOf(port), empty)
}

/** What comes back on a connection that sends this, and then a byte a second. */
async function slowly(port: number, head: string): Promise<{ readonly answer: string; readonly seconds: number; readonly reset: boolean }> {
  const socket = connect(port, '127.0.0.1')
  const begun = performance.now()
  let answer = ''
  let reset = false
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (reset = code === 'ECONNRESET'))
  socket.write(head)
  const drip = setInterval(() => socket.writable && socket.write('x'), 1000)
  // `once` of node:events would end with the error that comes before.
  await new Promise((resolve) => socket.on('close', resolve))
  clearInterval(drip)
  return { answer, seconds: (performance.now() - begun) / 1000, reset }
}

test.serial('clients that send slowly, or nothing, are left after the times that limits.ts names', async (t) => {
  const { port } = await start(t)
  const [silent, headers, body] = await Promise.all([
    slowly(port, ''),
    slowly(port, 'POST /classify HTTP/1.1\r\nhost: here\r\nx-slow: '),
    slowly(port, 'POST /classify HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n'),
  ])
  for (const [{ answer, seconds, reset }, most] of [
    [silent, 7],
    [headers, 7],
    [body, 12],
  ] as const) {
    t.true(seconds < most, `${seconds}`)
    // A byte that meets a closed connection resets it, and what was not read by then is lost.
    if (!reset || answer !== '') t.regex(answer, /^HTTP\/1\.1 (408|400) /)
  }
  await expectAlive(t, port)
})

test.serial('a client that sends too much, without saying how much, is refused or cut off', async (t) => {
  const { port } = await start(t)
  const { sent, finish } = await begin(port)
  sent.on('error', () => undefined)
  const reply = finish(Buffer.alloc(30_000_000)).then(
    ({ status }) => status,
    () => 413,
  )
  t.is(await reply, 413)
  await expectAlive(t, port)
})

test.serial('an image of 300 megapixels is refused by its header', async (t) => {
  const { port } = await start(t)
  const reply = await post(port, '/classify', pngHeader({ width: 20_000, height: 15_000, depth: 8, color: 2 }))
  t.is(reply.status, 400)
  t.regex(reply.body.toString(), /pixels, got 15000 x 20000/)
  // The frame and the scan of a JPEG, of which the header is all that is read.
  const frame = Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 15_000 >> 8, 15_000 & 255, 20_000 >> 8, 20_000 & 255, 1, 1, 0x11, 0])
  const jpeg = await post(port, '/classify', Buffer.concat([frame, Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0])]))
  t.is(jpeg.status, 400)
  t.regex(jpeg.body.toString(), /pixels, got 15000 x 20000/)
  await expectAlive(t, port)
})

test.serial('a thousand clients that vanish leave nothing behind', async (t) => {
  const { port } = await start(t)
  const file = picture(2, 600, 800)
  const head = Buffer.from(`POST /classify HTTP/1.1\r\nhost: here\r\ncontent-length: ${file.length}\r\n\r\n`)
  const vanish = async (bytes: Uint8Array, after: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(head)
    socket.write(bytes)
    await pause(after)
    socket.destroy()
  }
  const until = async (found: RegExp, act: () => Promise<unknown>): Promise<void> => {
    const begun = performance.now()
    while (!found.test(await metricsOf(port)) && performance.now() - begun < 20_000) await act()
  }
  await Promise.all(Array.from({ length: 1000 }, (_, index) => vanish(index % 3 === 0 ? file : file.subarray(0, (index * 997) % file.length), index % 50)))
  await until(empty, () => pause(50))
  await expectAlive(t, port)
  // On a busy machine those of whose files all had come may have been answered before the service saw them leave.
  const aborted = /^preresnet_images_total\{ending="aborted"\} [1-9]/m
  await until(aborted, () => Promise.all(Array.from({ length: 30 }, (_, index) => vanish(file, index))))
  await until(empty, () => pause(50))
  const last = await metricsOf(port)
  t.regex(last, aborted)
  t.regex(last, empty)
})

test.serial('told to stop under load, it answers what it has begun with, says no with a status or closed connections, and ends', async (t) => {
  const { child, port } = await start(t)
  const ended = once(child, 'exit')
  // Large enough for nearly all requests to be with the service, and not on their way, at any moment.
  const files = [1, 2, 3].map((variant) => picture(variant, 500 * variant, 1000))
  const right: unknown[] = []
  for (const file of files) right.push(contentOf(await post(port, '/classify', file)))
  const agent = new Agent({ keepAlive: true })
  const [before, open, after]: Record<string, number>[] = [{}, {}, {}]
  let stopped = false
  const client = async (number: number): Promise<void> => {
    for (let turn = number; ; turn++) {
      const begun = stopped
      const which = turn % files.length
      const sent = request({ port, path: '/classify', method: 'POST', agent, headers: { 'content-length': String(files[which]!.length) } })
      const reply = replyTo(sent)
      sent.end(files[which])
      const outcome = await reply.then(
        (found) => {
          if (found.status === 200) t.deepEqual(contentOf(found) as unknown, right[which])
          return String(found.status)
        },
        (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'no code',
      )
      const counts = begun ? after! : stopped ? open! : before!
      counts[outcome] = (counts[outcome] ?? 0) + 1
      if (outcome === 'ECONNREFUSED') return
    }
  }
  const clients = Array.from({ length: 32 }, (_, number) => client(number))
  while ((before!['200'] ?? 0) < 40) await pause(10)
  stopped = true
  child.kill('SIGTERM')
  await Promise.all(clients)
  t.deepEqual(await ended, [0, null])
  agent.destroy()
  const counts = JSON.stringify([before, open, after])
  t.deepEqual(Object.keys(before!), ['200'])
  // The others had not come yet when connections were closed.
  t.true(open!['200']! >= 24, counts)
  t.is(after!['ECONNREFUSED'], 32)
  for (const outcome of [...Object.keys(open!), ...Object.keys(after!)]) t.regex(outcome, /^(200|503|ECONNREFUSED|ECONNRESET|EPIPE)$/, counts)
})
