import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { decode } from '../../lib/inference/decoding.js'
import { loadBinding } from '../../lib/native/load.js'
import { rgbPng } from '../support/png.js'

const options = { channels: 3, height: 4, width: 4, resize: 5, keepFitting: true, maxPixels: 2 ** 24 }
const large = rgbPng(2000, 2000, new Uint8Array(12_000_000))
const small = rgbPng(8, 8, new Uint8Array(192))

test.serial('a small image does not wait for all the large ones that came before', async (t) => {
  const done: string[] = []
  const ask = async (name: string, file: Uint8Array): Promise<void> => {
    await decode(file, options)
    done.push(name)
  }
  await Promise.all([...Array.from({ length: 8 }, () => ask('large', large)), ask('small', small)])
  t.true(done.indexOf('small') < 4, done.join())
})

test.serial('what is refused is refused at once, without a turn', async (t) => {
  const waiting = Array.from({ length: 3 }, () => decode(large, options))
  let answered = 0
  for (const one of waiting) void one.then(() => answered++)
  await t.throwsAsync(decode(large, { ...options, maxPixels: 3_999_999 }), {
    code: 'ERR_IMAGE',
    message: /expected at most 3999999 pixels, got 2000 x 2000 \(height x width\)/,
  })
  t.is(answered, 0)
  await Promise.all(waiting)
})

test.serial('large images are decoded beside each other, and no file is copied to wait', async (t) => {
  const native = loadBinding()
  const decodeImage = native.decodeImage.bind(native)
  t.teardown(() => (native.decodeImage = decodeImage))
  const begun: Uint8Array[] = []
  const ends: (() => void)[] = []
  native.decodeImage = async (file) => {
    begun.push(file)
    await new Promise<void>((end) => ends.push(end))
    return { pixels: new Uint8Array(48), height: 4, width: 4, channels: 3 }
  }
  const files = Array.from({ length: 5 }, () => Uint8Array.from(large))
  const answers = files.map((file) => decode(file, options))
  const seen: number[] = []
  for (let turn = 0; ends.length < files.length || turn === 0; turn++) {
    await nextTurn()
    seen.push(begun.length)
    for (const end of ends) end()
  }
  await Promise.all(answers)
  t.is(seen[0], Math.min(files.length, Math.max(1, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) - 2)))
  t.true(files.every((file, index) => begun[index] === file))
})
