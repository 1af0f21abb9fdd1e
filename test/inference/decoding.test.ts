import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { decode, Gate } from '../../lib/inference/decoding.js'
import { rgbPng } from '../support/png.js'

test('a gate lets so many through at a time, in order, and goes on after a failure', async (t) => {
  const gate = new Gate(2)
  const begun: number[] = []
  let [inside, most] = [0, 0]
  const visit = (visitor: number) =>
    gate.pass(async () => {
      begun.push(visitor)
      most = Math.max(most, ++inside)
      await pause(1)
      inside--
      if (visitor % 3 === 0) throw new Error(`${visitor}`)
      return visitor
    })
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(visit))
  t.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6])
  t.is(most, 2)
  t.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    ['0', 1, 2, '3', 4, 5, '6'],
  )
  t.is(await visit(7), 7)
})

const options = { channels: 3, height: 4, width: 4, resize: 5, keepFitting: true, maxPixels: 2 ** 24 }
const large = rgbPng(2000, 2000, new Uint8Array(12_000_000))
const small = rgbPng(8, 8, new Uint8Array(192))

test('a small image does not wait for all the large ones that came before', async (t) => {
  const done: string[] = []
  const ask = async (name: string, file: Uint8Array): Promise<void> => {
    await decode(file, options)
    done.push(name)
  }
  await Promise.all([...Array.from({ length: 8 }, () => ask('large', large)), ask('small', small)])
  t.true(done.indexOf('small') < 4, done.join())
})

test('what is refused is refused at once, without a turn', async (t) => {
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

test('a file may be changed after the call, whether it waits or not', async (t) => {
  const images = Array.from({ length: 12 }, (_, index) => rgbPng(4, 4, new Uint8Array(48).fill(index + 1)))
  const pixels = images.map((image) => {
    const answer = decode(image, options)
    image.fill(0)
    return answer
  })
  t.deepEqual(
    (await Promise.all(pixels)).map((values) => values[0]),
    images.map((_, index) => index + 1),
  )
})
