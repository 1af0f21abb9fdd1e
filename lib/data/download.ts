import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { makeDirectory } from '../directory.js'
import { PreresnetError } from '../errors.js'
import { integer, invalid, knownKeys, number, oneOf, string } from '../options/values.js'
import { archiveHost, archives } from './sources.js'

/** The options of `download` are these. */
export interface DownloadOptions {
  /** Which archive is downloaded. */
  readonly dataset: 'cifar10' | 'cifar100'
  /** The directory that the archive goes to is made if it is not there. */
  readonly directory: string
  /** Which form of the archive is downloaded; `cifar10` and `cifar100` read both. @default 'binary' */
  readonly format?: 'binary' | 'python'
  /** The address that the archive comes from begins with http:// or https://. @default the authors' server */
  readonly url?: string
  /** The expected SHA-256 is 64 hexadecimal digits. @default the archive's, which is known, if `md5` is not given either */
  readonly sha256?: string
  /** The expected MD5 is 32 hexadecimal digits. @default the archive's, which is known, if `sha256` is not given either */
  readonly md5?: string
  /** This is called for every piece that arrives. @default undefined */
  readonly onProgress?: (progress: DownloadProgress) => void
  /** This signal ends the download with ERR_ABORTED; what came so far stays. @default undefined */
  readonly signal?: AbortSignal
  /** The number of failures in a row, without a byte in between, until it gives up is at least 1. @default 5 */
  readonly attempts?: number
  /** The seconds before the second attempt are at least 0; they are doubled for each further one. @default 1 */
  readonly retryDelay?: number
}

/** How far a download is. */
export interface DownloadProgress {
  /** The number of bytes on disk is at least 0, those of an earlier download included. */
  readonly received: number
  /** The number of bytes of the archive is at least 1; it is undefined while the server does not say. */
  readonly total: number | undefined
}

interface Job {
  readonly url: string
  readonly partial: string
  readonly options: DownloadOptions
}

/**
 * Downloads an archive that `cifar10` or `cifar100` reads, and resolves with its path. A download that was cut, by the network or by the end of the process,
 * goes on where it stopped. The file appears under its name only when it is whole and its hash is right.
 * @param options - Which archive, and where it goes.
 * @throws ERR_NETWORK where the archive could not be had.
 * @throws ERR_HASH where it is not what it should be.
 * @throws ERR_FILE where it cannot be written.
 * @throws ERR_ABORTED where `signal` ended it.
 * @throws ERR_OPTION where an option is unknown or malformed.
 */
export async function download(options: DownloadOptions): Promise<string> {
  const { directory, signal } = validated(options)
  const archive = archives[options.dataset][options.format ?? 'binary']
  const path = join(directory, archive.file)
  const expected = expectedHashes(options, archive)
  const job: Job = { url: options.url ?? archiveHost + archive.file, partial: `${path}.part`, options }
  try {
    await makeDirectory(directory)
    if ((await bytesOf(path)) > 0 && (await mismatch(path, expected, signal)) === undefined) return path
    await fetchWhole(job, expected)
    await publish(job.partial, path)
    return path
  } catch (error) {
    throw asError(error, job)
  }
}

function validated(options: DownloadOptions): DownloadOptions {
  knownKeys('download', options, ['dataset', 'directory', 'format', 'url', 'sha256', 'md5', 'onProgress', 'signal', 'attempts', 'retryDelay'])
  oneOf('download: dataset', options.dataset, ['cifar10', 'cifar100'])
  string('download: directory', options.directory)
  if (options.format !== undefined) oneOf('download: format', options.format, ['binary', 'python'])
  if (options.url !== undefined && !/^https?:$/.test(protocolOf(string('download: url', options.url))))
    throw invalid('download: url', 'an address that begins with http:// or https://', options.url)
  if (options.sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(options.sha256)) throw invalid('download: sha256', '64 hexadecimal digits', options.sha256)
  if (options.md5 !== undefined && !/^[0-9a-f]{32}$/i.test(options.md5)) throw invalid('download: md5', '32 hexadecimal digits', options.md5)
  if (options.attempts !== undefined) integer('download: attempts', options.attempts, 1)
  if (options.retryDelay !== undefined) number('download: retryDelay', options.retryDelay, 0)
  return options
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : ''
}

type Hashes = readonly (readonly ['sha256' | 'md5', string])[]

function expectedHashes({ sha256, md5 }: DownloadOptions, archive: { readonly sha256: string; readonly md5: string }): Hashes {
  const given = sha256 === undefined && md5 === undefined ? archive : { sha256, md5 }
  return (['sha256', 'md5'] as const).flatMap((name) => (given[name] === undefined ? [] : [[name, given[name].toLowerCase()] as const]))
}

/** Leaves the whole file, with the right hash, under job.partial. */
async function fetchWhole(job: Job, expected: Hashes): Promise<void> {
  const { partial, options } = job
  const resumed = (await bytesOf(partial)) > 0
  await fetchRest(job)
  let wrong = await mismatch(partial, expected, options.signal)
  if (wrong !== undefined && resumed) {
    // The beginning may have been of another file.
    await rm(partial)
    await fetchRest(job)
    wrong = await mismatch(partial, expected, options.signal)
  }
  if (wrong === undefined) return
  await rm(partial)
  throw new PreresnetError('ERR_HASH', `${job.url}: expected ${wrong.name} ${wrong.expected}, got ${wrong.got}; the download was removed`)
}

/** A failure that may not come again. */
class Passing extends Error {}

/** Appends to job.partial until the server has no more. */
async function fetchRest(job: Job): Promise<void> {
  const { attempts = 5, retryDelay = 1, signal } = job.options
  for (let failures = 0; ;) {
    const before = await bytesOf(job.partial)
    try {
      await fetchOnce(job, before)
      return
    } catch (error) {
      if (!(error instanceof Passing)) throw error
      failures = (await bytesOf(job.partial)) > before ? 1 : failures + 1
      if (failures >= attempts) throw new PreresnetError('ERR_NETWORK', `${job.url}: ${error.message} (attempts: ${failures})`, { cause: error })
      await setTimeout(retryDelay * 1000 * 2 ** (failures - 1), undefined, signal === undefined ? {} : { signal })
    }
  }
}

/** One request. */
async function fetchOnce({ url, partial, options }: Job, offset: number): Promise<void> {
  const { signal } = options
  // identity: a server that compresses on the way would send other bytes than it stores.
  const headers = { 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) }
  const response = await passing(fetch(url, signal === undefined ? { headers } : { headers, signal }), signal)
  if (response.status === 200 || response.status === 206) {
    // A server that knows no ranges sends all of it again.
    const range = response.status === 206 ? rangeOf(response) : { begin: 0, total: contentLength(response) }
    if (range.begin === 0 || range.begin === offset) return receive(response, partial, range, options)
    await response.body?.cancel()
    throw new Passing(`expected bytes from ${offset}, got bytes from ${range.begin}`)
  }
  await response.body?.cancel()
  if (response.status === 416) {
    // Nothing is left to send if the file is whole; otherwise what is there does not belong to this file.
    if (rangeOf(response).total === offset) return
    await rm(partial, { force: true })
    throw new Passing('the server refused to go on with an earlier download')
  }
  const reason = `the server answered ${response.status} ${response.statusText}`.trimEnd()
  if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Passing(reason)
  throw new PreresnetError('ERR_NETWORK', `${url}: ${reason}`)
}

interface Range {
  readonly begin: number
  readonly total: number | undefined
}

async function receive(response: Response, partial: string, { begin, total }: Range, { onProgress, signal }: DownloadOptions): Promise<void> {
  const reader = response.body?.getReader()
  const file = await open(partial, begin === 0 ? 'w' : 'a')
  try {
    let received = begin
    onProgress?.({ received, total })
    while (reader !== undefined) {
      const { done, value } = await passing(reader.read() as Promise<{ done: boolean; value?: Uint8Array }>, signal)
      if (done || value === undefined) break
      await file.appendFile(value)
      received += value.length
      onProgress?.({ received, total })
    }
    if (total !== undefined && received !== total) throw new Passing(`the connection was cut: expected ${total} bytes, got ${received}`)
    await file.sync()
  } finally {
    await reader?.cancel().catch(() => undefined)
    await file.close()
  }
}

/** Failures of the network as Passing, an abort as it is. */
async function passing<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work
  } catch (error) {
    signal?.throwIfAborted()
    const { message, cause } = error as Error
    throw new Passing(cause instanceof Error && cause.message !== '' ? cause.message : message, { cause: error })
  }
}

/** Of a Content-Range: `bytes 100-199/200`, `bytes 100-199/*` or, with status 416, `bytes *\/200`. */
function rangeOf(response: Response): Range {
  const [, begin, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? []
  return { begin: begin === undefined ? NaN : Number(begin), total: total === undefined || total === '*' ? undefined : Number(total) }
}

function contentLength(response: Response): number | undefined {
  const length = response.headers.get('content-length')
  return length === null ? undefined : Number(length)
}

/** The first hash that is not as expected. */
async function mismatch(path: string, expected: Hashes, signal: AbortSignal | undefined): Promise<{ name: string; expected: string; got: string } | undefined> {
  const hashes = expected.map(([name]) => createHash(name))
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18, ...(signal === undefined ? {} : { signal }) })) {
    for (const hash of hashes) hash.update(chunk as Buffer)
  }
  for (const [index, [name, wanted]] of expected.entries()) {
    const got = hashes[index]!.digest('hex')
    if (got !== wanted) return { name, expected: wanted, got }
  }
  return undefined
}

/** The name changes only after the bytes are on the disk, and is there for good afterwards. */
async function publish(partial: string, path: string): Promise<void> {
  const file = await open(partial, 'r')
  await file.sync().finally(() => file.close())
  await rename(partial, path)
  const directory = await open(dirname(path), 'r')
  await directory.sync().finally(() => directory.close())
}

async function bytesOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

function asError(error: unknown, { url, options }: Job): unknown {
  if (error instanceof PreresnetError) return error
  if (options.signal?.aborted === true) {
    return new PreresnetError('ERR_ABORTED', `${url}: the download was ended; it goes on from there the next time`, { cause: options.signal.reason })
  }
  const failure = error as NodeJS.ErrnoException
  return failure.syscall === undefined ? error : new PreresnetError('ERR_FILE', failure.message, { cause: error })
}
