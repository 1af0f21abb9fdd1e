/** examples/service: its paths, what it refuses, clients that leave, its end. service_limits.thorough.ts has what takes as long as its limits. */
import { once } from 'node:events'
import test from 'ava'
import { picture, side } from '../inference/model.js'
import { randomBytes } from '../support/bytes.js'
import { rgbPng } from '../support/png.js'
import { begin, contentOf, get, post, start, type Reply } from './service.js'

const infer = '/v2/models/model/infer'

test.serial('answers, and refusals that are the client’s', async (t) => {
  const { port } = await start(t)
  const good = await post(port, '/classify', picture(1))
  t.is(good.status, 200)
  t.is((contentOf(good) as unknown as unknown[]).length, 4)
  for (const [status, path, body] of [
    [400, '/classify', Buffer.alloc(0)],
    [400, '/classify', Buffer.from('no picture')],
    [400, '/classify', picture(1).subarray(0, 200)],
    [404, '/nowhere', Buffer.alloc(0)],
    [404, '/v2/models/other/infer', Buffer.alloc(0)],
    [400, infer, '{'],
    [400, infer, '{"inputs":[]}'],
    [400, infer, '{"inputs":[{"name":"image","datatype":"BYTES","shape":[2],"data":["AAAA"]}]}'],
    [400, infer, '{"inputs":[{"name":"image","datatype":"FP32","shape":[1],"data":[1]}]}'],
    [400, infer, '{"inputs":[{"name":"pixels","datatype":"UINT8","shape":[1,2,2,3],"data":[1,2,3]}]}'],
    [400, infer, '{"inputs":[{"name":"pixels","datatype":"UINT8","shape":[1,1,1,3],"data":[1,2,300]}]}'],
    [400, infer, '{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AAAA"]}],"outputs":[{"name":"scores"}]}'],
    [400, infer, `{"inputs":[{"name":"image","datatype":"BYTES","shape":[65],"data":${JSON.stringify(new Array(65).fill('AAAA'))}}]}`],
  ] as const) {
    const reply = await post(port, path, body)
    t.is(reply.status, status, String(body))
    t.is(typeof contentOf(reply)['error'], 'string')
  }
  t.is((await get(port, '/classify', 'PUT')).status, 405)
  // Said before, or found while it comes.
  t.is((await post(port, '/classify', Buffer.alloc(0), { 'content-length': '20000001', expect: '100-continue' })).status, 413)
  t.deepEqual((await post(port, '/classify', picture(1))).body, good.body)
})

test.serial('the open inference protocol: health, metadata, tensors in JSON and in bytes', async (t) => {
  const { port } = await start(t)
  t.deepEqual(contentOf(await get(port, '/v2/health/live')), { live: true })
  t.deepEqual(contentOf(await get(port, '/v2/health/ready')), { ready: true })
  t.deepEqual(contentOf(await get(port, '/v2/models/model/ready')), { name: 'model', ready: true })
  t.deepEqual(contentOf(await get(port, '/v2'))['extensions'], ['binary_tensor_data'])
  const metadata = contentOf(await get(port, '/v2/models/model'))
  t.deepEqual(metadata['outputs'], [
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 4] },
    { name: 'logits', datatype: 'FP32', shape: [-1, 4] },
    { name: 'features', datatype: 'FP32', shape: [-1, 16] },
  ])
  const pixels = randomBytes(2 * side * side * 3, 5)
  const files = [0, 1].map((index) => rgbPng(side, side, pixels.subarray(index * side * side * 3, (index + 1) * side * side * 3)))
  const asked = { id: 'a', inputs: [{ name: 'image', datatype: 'BYTES', shape: [2], data: files.map((file) => file.toString('base64')) }] }
  interface Tensor {
    readonly name: string
    readonly shape: readonly number[]
    readonly data: readonly number[]
  }
  const byJson = contentOf(await post(port, infer, JSON.stringify(asked)))
  t.like(byJson, { model_name: 'model', id: 'a' })
  const outputs = byJson['outputs'] as Tensor[]
  t.deepEqual(
    outputs.map(({ name, shape, data }) => [name, ...shape, data.length]),
    [
      ['probabilities', 2, 4, 8],
      ['logits', 2, 4, 8],
      ['features', 2, 16, 32],
    ],
  )
  // Files that are fewer or more than their number, in bytes behind the JSON.
  for (const [count, bytes, says] of [
    [2, 4, 'a length that goes beyond the body'],
    [1, 8, 'expected 1 elements as shape says, got more bytes'],
    [65, 65 * 4, 'expected 1 to 64 images, got 65'],
  ] as const) {
    const inputs = [{ name: 'image', datatype: 'BYTES', shape: [count], parameters: { binary_data_size: bytes } }]
    const head = Buffer.from(JSON.stringify({ inputs }))
    const reply = await post(port, infer, Buffer.concat([head, Buffer.alloc(bytes)]), { 'inference-header-content-length': String(head.length) })
    t.is(reply.status, 400)
    t.is(contentOf(reply)['error'], `inputs[0]: ${says}`)
  }
  // The same as bytes behind the JSON, files and pixels, with logits as bytes.
  const behind = Buffer.concat(files.flatMap((file) => [Buffer.from(Uint32Array.of(file.length).buffer), file]))
  for (const [name, datatype, shape, bytes] of [
    ['image', 'BYTES', [2], behind],
    ['pixels', 'UINT8', [2, side, side, 3], Buffer.from(pixels)],
  ] as const) {
    const inputs = [{ name, datatype, shape, parameters: { binary_data_size: bytes.length } }]
    const head = Buffer.from(JSON.stringify({ inputs, outputs: [{ name: 'logits', parameters: { binary_data: true } }] }))
    const reply = await post(port, infer, Buffer.concat([head, bytes]), { 'inference-header-content-length': String(head.length) })
    t.is(reply.status, 200, reply.body.toString())
    const length = Number(reply.headers['inference-header-content-length'])
    t.deepEqual(JSON.parse(reply.body.toString('utf8', 0, length)), {
      model_name: 'model',
      outputs: [{ name: 'logits', datatype: 'FP32', shape: [2, 4], parameters: { binary_data_size: 32 } }],
    })
    const values = new Float32Array(Uint8Array.from(reply.body.subarray(length)).buffer)
    t.deepEqual([...values], [...outputs[1]!.data])
  }
})

test.serial('the page and the metrics', async (t) => {
  const { port } = await start(t)
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.css', 'text/css'],
    ['/page.js', 'text/javascript'],
  ] as const) {
    const { status, headers } = await get(port, path)
    t.is(status, 200)
    t.true(headers['content-type']!.startsWith(type))
  }
  await post(port, '/classify', picture(1))
  await post(port, '/classify', 'no picture')
  const { headers, body } = await get(port, '/metrics')
  t.regex(headers['content-type']!, /^text\/plain; version=0\.0\.4/)
  const lines = body.toString().trim().split('\n')
  for (const line of lines) t.regex(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"\})? \d[\d.e+-]*)$/)
  for (const line of [
    'preresnet_requests_total{status="400"} 1',
    'preresnet_images_total{ending="answered"} 2',
    'preresnet_images_total{ending="failed"} 1',
    'preresnet_queued_images 0',
    'preresnet_batch_images_bucket{le="1"} 2',
    'preresnet_batch_images_bucket{le="+Inf"} 2',
    'preresnet_batch_images_sum 2',
  ])
    t.true(lines.includes(line), line)
})

test.serial('a client that goes away leaves its place at once, though its image is large', async (t) => {
  const { port } = await start(t)
  const large = rgbPng(8192, 4096, new Uint8Array(8192 * 4096 * 3))
  const waiting = await Promise.all(Array.from({ length: 127 }, () => begin(port)))
  const leaving = await begin(port)
  const refused = await post(port, '/classify', Buffer.alloc(0))
  t.deepEqual([refused.status, refused.headers['retry-after']], [503, '1'])
  await new Promise<void>((sent) => leaving.sent.end(large, () => sent()))
  leaving.sent.on('error', () => undefined)
  leaving.sent.destroy()
  let status: number | undefined
  const begun = performance.now()
  while ((status = (await post(port, '/classify', Buffer.alloc(0))).status) === 503 && performance.now() - begun < 5_000);
  t.is(status, 400)
  t.deepEqual(
    (await Promise.all(waiting.map(({ finish }, index) => finish(picture(index % 5))))).map((reply) => reply.status),
    waiting.map(() => 200),
  )
  const metrics = (await get(port, '/metrics')).body.toString()
  t.regex(metrics, /^preresnet_queued_images 0$/m)
})

test.serial('told to stop, it is no longer ready, answers what runs and ends', async (t) => {
  const { child, port } = await start(t)
  const ended = once(child, 'exit')
  const large = rgbPng(3000, 3000, new Uint8Array(27_000_000))
  const begun = await Promise.all(Array.from({ length: 6 }, () => begin(port)))
  const [first, second, ...others] = begun
  const replies: Promise<Reply>[] = [first!.finish(large), second!.finish(large)]
  child.kill('SIGTERM')
  // Until it takes no more connections: it knows that it is to stop.
  await t.throwsAsync(async () => {
    for (;;) await post(port, '/classify', picture(1))
  })
  replies.push(...others.map(({ finish }, index) => finish(index % 2 === 0 ? large : picture(index))))
  t.deepEqual(
    (await Promise.all(replies)).map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  )
  t.deepEqual(await ended, [0, null])
  await t.throwsAsync(post(port, '/classify', picture(1)), { code: 'ECONNREFUSED' })
})
