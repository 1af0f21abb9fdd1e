/** What is no file ends in an error at once: opening a named pipe to which nobody writes would wait for ever. */
import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { readCifar } from '../lib/data/cifar.js'
import { cifar10Layout } from '../lib/data/cifar_layout.js'
import { wholeFiles, type Dataset } from '../lib/data/dataset.js'
import { storedSize } from '../lib/data/image_sizes.js'
import { imageFolder, loader } from '../lib/data/index.js'
import { TarBytes } from '../lib/data/tar_entries.js'
import { readSafetensors } from '../lib/formats/index.js'
import { readWhole } from '../lib/cli/read_whole.js'
import { temporaryFolder } from './support/folder.js'
import { rgbPng } from './support/png.js'

const makePipe = (path: string): Promise<unknown> => promisify(execFile)('mkfifo', [path])

async function makeSocket(t: ExecutionContext, path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.teardown(() => server.close())
}

const makers: Readonly<Record<string, (t: ExecutionContext, path: string) => Promise<unknown>>> = {
  'a named pipe': (_, path) => makePipe(path),
  'a socket': makeSocket,
  'a device': (_, path) => symlink('/dev/null', path),
  'a folder': (t, path) => temporaryFolder(t).then((folder) => symlink(folder, path)),
}

const first = async (path: string): Promise<unknown> => {
  const dataset: Dataset = { name: 'files', length: 1, classes: ['red'], labels: Int32Array.of(0), source: wholeFiles([path]), fingerprint: '' }
  await using batches = loader(dataset, { batch: 1, input: { height: 2, width: 2, channels: 3 }, mode: 'evaluate' })
  return await batches.next(0)
}

for (const [kind, make] of Object.entries(makers)) {
  test(`${kind} in place of a file`, async (t) => {
    const folder = await temporaryFolder(t)
    await mkdir(join(folder, 'red'))
    await writeFile(join(folder, 'red/0.png'), rgbPng(2, 2, new Uint8Array(12)))
    const path = join(folder, 'red/pipe.png')
    await make(t, path)
    // A folder may have images within it.
    if (kind !== 'a folder') {
      const error = await t.throwsAsync(imageFolder(folder), { code: 'ERR_FILE' })
      t.is(error.message, `${path}: cannot be read: expected a file, got ${kind}`)
    }
    for (const [who, read] of Object.entries({
      'the loader': () => first(path),
      'sizes of images': () => storedSize(wholeFiles([path]), 0),
      tars: () => TarBytes.open(path),
      safetensors: () => readSafetensors(path),
    })) {
      const { message } = await t.throwsAsync(read(), { code: 'ERR_FILE' }, who)
      t.true(message.startsWith(`${path}: `), message)
      t.is(message.split(path).length, 2, 'the path once')
    }
  })
}

test('a batch of CIFAR-10 that is a named pipe', async (t) => {
  const folder = await temporaryFolder(t)
  const layout = { ...cifar10Layout, binary: { ...cifar10Layout.binary, train: cifar10Layout.binary.train.map((file) => ({ ...file, images: 1 })) } }
  await writeFile(join(folder, 'data_batch_1.bin'), new Uint8Array(3073))
  await makePipe(join(folder, 'data_batch_2.bin'))
  await t.throwsAsync(readCifar(folder, layout), { code: 'ERR_FILE', message: /data_batch_2\.bin: cannot be read: expected a file, got a named pipe/ })
})

test('predict reads a pipe to which somebody writes', async (t) => {
  const path = join(await temporaryFolder(t), 'pipe')
  await makePipe(path)
  await t.throwsAsync(readWhole(path), { message: /a named pipe to which nobody writes/ })
  const writer = promisify(execFile)('sh', ['-c', 'exec > "$1"; printf one; sleep 0.1; printf two', 'sh', path])
  // Until the shell has opened its end, nobody writes.
  let read: Uint8Array | undefined
  for (let tries = 0; tries < 100 && read === undefined; tries++) {
    read = await readWhole(path).catch(() => undefined)
    if (read === undefined) await sleep(20)
  }
  await writer
  t.is(Buffer.from(read!).toString(), 'onetwo')
})
