/** Against a server of the test's own, which cuts, refuses, moves and lies as asked. */
import test, { type ExecutionContext } from 'ava'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { download, type DownloadOptions, type DownloadProgress } from '../../lib/data/index.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'

const bytes = Buffer.from(randomBytes(300_000, 1))
const sha256 = createHash('sha256').update(bytes).digest('hex')
const md5 = createHash('md5').update(bytes).digest('hex')
const name = 'cifar-10-binary.tar.gz'

type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void

interface Site {
  readonly url: string
  /** The Range of each request. */
  readonly ranges: (string | undefined)[]
}

async function serve(t: ExecutionContext, handler: Handler): Promise<Site> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    handler(request, response, ranges.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, ranges }
}

/** Sends from the byte that was asked for, at most `limit` bytes, and then cuts the connection. */
function send({ headers }: IncomingMessage, response: ServerResponse, limit = Infinity, contents = bytes): void {
  const begin = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  if (begin >= contents.length) {
    response.writeHead(416, { 'content-range': `bytes */${contents.length}` }).end()
    return
  }
  const rest = contents.subarray(begin)
  const range = { 'content-range': `bytes ${begin}-${contents.length - 1}/${contents.length}` }
  response.writeHead(begin > 0 ? 206 : 200, { 'content-length': rest.length, ...(begin > 0 ? range : {}) })
  if (limit >= rest.length) response.end(rest)
  else response.write(rest.subarray(0, limit), () => setImmediate(() => response.destroy()))
}

async function fetched(t: ExecutionContext, site: Site, options: Partial<DownloadOptions> = {}): Promise<{ directory: string; result: () => Promise<string> }> {
  const directory = await temporaryFolder(t)
  const result = (): Promise<string> => download({ dataset: 'cifar10', directory, url: site.url, sha256, retryDelay: 0, ...options })
  return { directory, result }
}

test('a download in one piece, with progress; a second one finds it there', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const progress: DownloadProgress[] = []
  const { directory, result } = await fetched(t, site, {
    directory: join(await temporaryFolder(t), 'new', 'folder'),
    md5,
    onProgress: (state) => progress.push(state),
  })
  const path = await result()
  t.true(path.endsWith(join('new', 'folder', name)))
  t.true(bytes.equals(await readFile(path)))
  t.deepEqual(progress[0], { received: 0, total: bytes.length })
  t.deepEqual(progress.at(-1), { received: bytes.length, total: bytes.length })
  t.true(progress.every(({ received }, index) => index === 0 || received > progress[index - 1]!.received))
  t.is(await result(), path)
  t.deepEqual(site.ranges, [undefined])
  t.deepEqual(await readdir(directory), [])
})

test('cut connections are taken up where they ended', async (t) => {
  const site = await serve(t, (request, response, number) => send(request, response, number < 4 ? 65_536 : Infinity))
  const { directory, result } = await fetched(t, site)
  t.true(bytes.equals(await readFile(await result())))
  t.is(site.ranges[0], undefined)
  t.true(site.ranges.length >= 2)
  const begins = site.ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]))
  t.true(
    begins.every((begin, index) => begin > (begins[index - 1] ?? 0)),
    String(site.ranges),
  )
  t.deepEqual(await readdir(directory), [name])
})

test('what an earlier process left is not fetched again', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const { directory, result } = await fetched(t, site)
  await writeFile(join(directory, `${name}.part`), bytes.subarray(0, 123_456))
  t.true(bytes.equals(await readFile(await result())))
  t.deepEqual(site.ranges, ['bytes=123456-'])
})

test('a whole .part is recognized by 416', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const { directory, result } = await fetched(t, site)
  await writeFile(join(directory, `${name}.part`), bytes)
  t.true(bytes.equals(await readFile(await result())))
  t.deepEqual(site.ranges, [`bytes=${bytes.length}-`])
})

test('a .part that is too long is thrown away', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const { directory, result } = await fetched(t, site)
  await writeFile(join(directory, `${name}.part`), Buffer.concat([bytes, Buffer.of(1)]))
  t.true(bytes.equals(await readFile(await result())))
  t.deepEqual(site.ranges, [`bytes=${bytes.length + 1}-`, undefined])
})

test('a .part of another file is thrown away when the hash is wrong', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const { directory, result } = await fetched(t, site)
  await writeFile(join(directory, `${name}.part`), randomBytes(1000, 9))
  t.true(bytes.equals(await readFile(await result())))
  t.deepEqual(site.ranges, ['bytes=1000-', undefined])
})

test('a server without ranges sends everything again', async (t) => {
  const site = await serve(t, (_request, response, number) => {
    response.writeHead(200, { 'content-length': bytes.length })
    if (number > 1) response.end(bytes)
    else response.write(bytes.subarray(0, 100_000), () => setImmediate(() => response.destroy()))
  })
  const { result } = await fetched(t, site)
  t.true(bytes.equals(await readFile(await result())))
  t.is(site.ranges.length, 2)
})

test('an answer that ends early and says nothing of it is taken up again', async (t) => {
  const site = await serve(t, (request, response, number) => {
    if (number > 1) return send(request, response)
    response.writeHead(206, { 'content-range': `bytes 1000-${bytes.length - 1}/${bytes.length}` })
    response.end(bytes.subarray(1000, 2000))
  })
  const { directory, result } = await fetched(t, site)
  await writeFile(join(directory, `${name}.part`), bytes.subarray(0, 1000))
  t.true(bytes.equals(await readFile(await result())))
  t.deepEqual(site.ranges, ['bytes=1000-', 'bytes=2000-'])
})

test('a server that does not say how much is coming', async (t) => {
  const site = await serve(t, (_request, response) => response.end(bytes))
  const progress: DownloadProgress[] = []
  const { result } = await fetched(t, await Promise.resolve(site), { onProgress: (state) => progress.push(state) })
  t.true(bytes.equals(await readFile(await result())))
  t.is(progress.at(-1)?.received, bytes.length)
})

test('redirections are followed', async (t) => {
  const site = await serve(t, (request, response) => {
    if (request.url === '/file') response.writeHead(302, { location: '/moved' }).end()
    else send(request, response)
  })
  const { result } = await fetched(t, site)
  t.true(bytes.equals(await readFile(await result())))
})

test('a wrong hash: nothing is published and nothing is left', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  for (const [expected, message] of [
    [{ sha256: '0'.repeat(64) }, `expected sha256 ${'0'.repeat(64)}, got ${sha256}`],
    [{ md5: '0'.repeat(32) }, `expected md5 ${'0'.repeat(32)}, got ${md5}`],
  ] as const) {
    const { directory, result } = await fetched(t, site, expected)
    const error = await t.throwsAsync(result(), { code: 'ERR_HASH' })
    t.true(error.message.includes(message), error.message)
    t.deepEqual(await readdir(directory), [])
  }
})

test('without a hash of the caller the known ones are expected', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const directory = await temporaryFolder(t)
  const known = {
    cifar10: { binary: 'c4a38c50a1bc5f3a', python: '6d958be074577803' },
    cifar100: { binary: '58a81ae192c23a4b', python: '85cd44d02ba64377' },
  }
  for (const dataset of ['cifar10', 'cifar100'] as const) {
    for (const format of ['binary', 'python'] as const) {
      const error = await t.throwsAsync(download({ dataset, format, directory, url: site.url }), { code: 'ERR_HASH' })
      t.true(error.message.includes(`expected sha256 ${known[dataset][format]}`), error.message)
    }
  }
})

test('a file that is there and damaged is replaced', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const { directory, result } = await fetched(t, site)
  await writeFile(join(directory, name), bytes.subarray(1))
  t.true(bytes.equals(await readFile(await result())))
})

test('404 ends at once, 503 after some attempts', async (t) => {
  const gone = await serve(t, (_request, response) => response.writeHead(404).end('no'))
  const first = await fetched(t, gone)
  const error = await t.throwsAsync(first.result(), { code: 'ERR_NETWORK' })
  t.regex(error.message, /answered 404 Not Found/)
  t.is(gone.ranges.length, 1)

  const busy = await serve(t, (_request, response) => response.writeHead(503).end())
  const second = await fetched(t, busy, { attempts: 3 })
  const other = await t.throwsAsync(second.result(), { code: 'ERR_NETWORK' })
  t.regex(other.message, /answered 503 Service Unavailable \(attempts: 3\)/)
  t.is(busy.ranges.length, 3)

  const recovering = await serve(t, (request, response, number) => (number < 3 ? response.writeHead(503).end() : send(request, response)))
  t.true(bytes.equals(await readFile(await (await fetched(t, recovering, { attempts: 3 })).result())))
})

test('a server that always cuts at the first byte is given up, and what came stays', async (t) => {
  const directory = await temporaryFolder(t)
  const site = await serve(t, (request, response) => {
    if (request.headers.range !== undefined) return send(request, response, 0)
    // Cut only when something has reached the disk: what is still on the way when a connection breaks may be lost.
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 50_000))
    const arrived = setInterval(() => {
      if (!existsSync(join(directory, `${name}.part`)) || statSync(join(directory, `${name}.part`)).size === 0) return
      clearInterval(arrived)
      response.destroy()
    }, 1)
  })
  const { result } = await fetched(t, site, { directory, attempts: 3 })
  await t.throwsAsync(result(), { code: 'ERR_NETWORK' })
  const [left, ...others] = await readdir(directory)
  t.deepEqual([left, others], [`${name}.part`, []])
  const kept = await readFile(join(directory, left!))
  t.true(kept.length > 0)
  t.true(bytes.subarray(0, kept.length).equals(kept))
})

test('nobody answers', async (t) => {
  const directory = await temporaryFolder(t)
  const error = await t.throwsAsync(download({ dataset: 'cifar10', directory, url: 'http://127.0.0.1:1/', attempts: 2, retryDelay: 0 }), {
    code: 'ERR_NETWORK',
  })
  t.regex(error.message, /ECONNREFUSED|bad port/)
})

test('an abort ends it with its reason, also between attempts, and what came stays', async (t) => {
  const site = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 100_000))
  })
  const controller = new AbortController()
  const { directory, result } = await fetched(t, site, {
    signal: controller.signal,
    onProgress: ({ received }) => {
      if (received > 0) controller.abort('enough')
    },
  })
  const error = await t.throwsAsync(result(), { code: 'ERR_ABORTED' })
  t.is(error.cause, 'enough')
  t.deepEqual(await readdir(directory), [`${name}.part`])

  const waiting = new AbortController()
  const busy = await serve(t, (_request, response) => {
    response.writeHead(503).end()
    setImmediate(() => setImmediate(() => waiting.abort('later')))
  })
  const second = await fetched(t, busy, { signal: waiting.signal, retryDelay: 3600 })
  t.is((await t.throwsAsync(second.result(), { code: 'ERR_ABORTED' })).cause, 'later')
})

test('an error of the caller in onProgress is his, and not tried again', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const failure = new Error('mine')
  const { result } = await fetched(t, site, {
    onProgress: () => {
      throw failure
    },
  })
  t.is(await t.throwsAsync(result()), failure)
  t.is(site.ranges.length, 1)
})

test('a folder that cannot be made is an error of files', async (t) => {
  const site = await serve(t, (request, response) => send(request, response))
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'file'), '')
  await t.throwsAsync(download({ dataset: 'cifar10', directory: join(folder, 'file', 'below'), url: site.url }), { code: 'ERR_FILE' })
})

test('options are checked', async (t) => {
  const wrong = async (options: object, message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(download({ dataset: 'cifar10', directory: '/nowhere', ...options }), { code: 'ERR_OPTION' })
    t.regex(error.message, message)
  }
  await wrong({ dataset: 'cifar' }, /dataset/)
  await wrong({ format: 'zip' }, /format/)
  await wrong({ url: 'ftp://example.org/' }, /url/)
  await wrong({ sha256: 'abc' }, /sha256: expected 64 hexadecimal digits/)
  await wrong({ md5: 'abc' }, /md5/)
  await wrong({ sha265: 'abc' }, /did you mean "sha256"/)
  await wrong({ attempts: 0 }, /attempts/)
})
