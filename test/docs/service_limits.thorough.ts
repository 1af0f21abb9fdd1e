/** examples/service under clients that send slowly, too much, nothing, or vanish. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { picture } from '../inference/model.js'
import { pngHeader } from '../support/png.js'
import { begin, get, post, start } from './service.js'

const expectAlive = async (t: ExecutionContext, port: number): Promise<void> => {
  t.is((await post(port, '/classify', picture(1))).status, 200)
  t.regex((await get(port, '/metrics')).body.toString(), /^preresnet_queued_images 0$/m)
}

/** What comes back on a connection that sends this, and then a byte a second. */
async function slowly(port: number, head: string): Promise<{ readonly answer: string; readonly seconds: number }> {
  const socket = connect(port, '127.0.0.1')
  const begun = performance.now()
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(head)
  const drip = setInterval(() => socket.writable && socket.write('x'), 1000)
  await once(socket, 'close')
  clearInterval(drip)
  return { answer, seconds: (performance.now() - begun) / 1000 }
}

test.serial('clients that send slowly, or nothing, are left after the times that limits.ts names', async (t) => {
  const { port } = await start(t)
  const [silent, headers, body] = await Promise.all([
    slowly(port, ''),
    slowly(port, 'POST /classify HTTP/1.1\r\nhost: here\r\nx-slow: '),
    slowly(port, 'POST /classify HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n'),
  ])
  for (const [{ answer, seconds }, most] of [
    [silent, 7],
    [headers, 7],
    [body, 12],
  ] as const) {
    t.true(seconds < most, `${seconds}`)
    t.regex(answer, /^HTTP\/1\.1 (408|400) /)
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
  await expectAlive(t, port)
})

test.serial('a thousand clients that vanish leave nothing behind', async (t) => {
  const { port } = await start(t)
  const file = picture(2, 600, 800)
  const head = Buffer.from(`POST /classify HTTP/1.1\r\nhost: here\r\ncontent-length: ${file.length}\r\n\r\n`)
  const clients = Array.from({ length: 1000 }, async (_, index) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(head)
    socket.write(index % 3 === 0 ? file : file.subarray(0, (index * 997) % file.length))
    await pause(index % 50)
    socket.destroy()
  })
  await Promise.all(clients)
  const begun = performance.now()
  while (!/^preresnet_queued_images 0$/m.test((await get(port, '/metrics')).body.toString()) && performance.now() - begun < 20_000) await pause(50)
  await expectAlive(t, port)
})
