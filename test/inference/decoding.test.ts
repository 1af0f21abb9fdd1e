/** Images become the network's input on native threads of their own. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import type { ImageInput } from '../../lib/inference/image_input.js'
import { checkImage, decode as decodeImage } from '../../lib/inference/images.js'
import { randomBytes } from '../support/bytes.js'
import { temporaryFolder } from '../support/folder.js'
import { rgbPng } from '../support/png.js'

const options = { channels: 3, height: 4, width: 4, resize: 5, keepFitting: true, maxPixels: 2 ** 24 }
const large = rgbPng(2000, 2000, new Uint8Array(12_000_000))
const small = rgbPng(8, 8, new Uint8Array(192))

const decode = async (image: ImageInput, given = options): Promise<Uint8Array> => (await decodeImage(image, given, () => undefined)).pixels

test.serial('a small image does not wait for all the large ones that came before', async (t) => {
  const done: string[] = []
  const ask = async (name: string, file: Uint8Array): Promise<void> => {
    await decode(file)
    done.push(name)
  }
  const all = Promise.all([...Array.from({ length: 8 }, () => ask('large', large)), ask('small', small)])
  await nextTurn()
  // On a busy machine some may be decoded before the small one is asked for.
  const before = done.length
  await all
  t.true(done.indexOf('small') < before + 4, done.join())
})

test.serial('what is refused is refused at once, without a turn', async (t) => {
  const waiting = Array.from({ length: 3 }, () => decode(large))
  let answered = 0
  for (const one of waiting) void one.then(() => answered++)
  await t.throwsAsync(decode(large, { ...options, maxPixels: 3_999_999 }), {
    code: 'ERR_IMAGE',
    message: /expected at most 3999999 pixels, got 2000 x 2000 \(height x width\)/,
  })
  t.is(answered, 0)
  await Promise.all(waiting)
})

test.serial('what is withdrawn while it waits is not decoded; what has begun is', async (t) => {
  const endings: string[] = []
  const stepsOut: (() => void)[] = []
  const asked = Array.from({ length: 40 }, (_, index) =>
    decodeImage(large, options, (stepOut) => stepsOut.push(stepOut)).then(
      () => endings.push(`${index} decoded`),
      (error: unknown) => endings.push(`${index} ${(error as { code: string }).code}`),
    ),
  )
  // Those that wait last, so that none of them has begun.
  for (const stepOut of stepsOut.slice(20)) stepOut()
  await nextTurn()
  await Promise.all(asked)
  const aborted = Array.from({ length: 20 }, (_, index) => `${index + 20} ERR_ABORTED`)
  const decoded = Array.from({ length: 20 }, (_, index) => `${index} decoded`)
  t.deepEqual([...endings].sort(), [...aborted, ...decoded].sort())
  // On a busy machine the first ones may be decoded before anybody leaves; those that leave do not wait for the last ones.
  t.true(endings.slice(0, -10).filter((ending) => ending.endsWith('ERR_ABORTED')).length === 20)
  for (const stepOut of stepsOut) stepOut()
})

test('a file that nobody waits for any more is not read, or what was read of it is dropped', async (t) => {
  const path = join(await temporaryFolder(t), 'picture.png')
  const gone = { code: 'ERR_ABORTED' }
  // That it is not there would be found out only by opening it.
  await t.throwsAsync(
    decodeImage(path, options, (stepOut) => stepOut()),
    gone,
  )
  await writeFile(path, small)
  const withdrawn: (() => void)[] = []
  const reading = decodeImage(path, options, (stepOut) => withdrawn.push(stepOut))
  await Promise.resolve()
  t.is(withdrawn.length, 1)
  withdrawn[0]!()
  await t.throwsAsync(reading, gone)
  t.is(withdrawn.length, 1)
})

test.serial('the caller may change the bytes at once', async (t) => {
  const file = rgbPng(9, 9, randomBytes(243, 1))
  const expected = await decode(file)
  // Behind others, so that it waits.
  const others = Array.from({ length: 6 }, () => decode(large))
  const copy = Uint8Array.from(file)
  const answer = decode(copy)
  copy.fill(0)
  t.deepEqual(await answer, expected)
  await Promise.all(others)
})

test('a path, a URL and bytes are the same image; errors name the file', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'a picture.png')
  await writeFile(path, rgbPng(9, 7, randomBytes(189, 2)))
  const expected = await decode(await readFile(path))
  t.deepEqual(await decode(path), expected)
  t.deepEqual(await decode(pathToFileURL(path)), expected)
  await writeFile(path, 'no picture')
  const wrong = await t.throwsAsync(decode(path), { code: 'ERR_IMAGE' })
  t.true(wrong.message.startsWith(`${path}: expected a JPEG, PNG or WebP file`), wrong.message)
  const missing = join(folder, 'missing')
  await t.throwsAsync(decode(missing), { code: 'ERR_FILE', message: new RegExp(`^${missing}: cannot be read`) })
  await t.throwsAsync(decode(folder), { code: 'ERR_FILE', message: /a folder/ })
  await t.throwsAsync(decode(new URL('http://localhost/picture.png')), { code: 'ERR_OPTION', message: /expected the URL of a file, got "http:/ })
})

test('pixels are prepared as those of a file are', async (t) => {
  for (const [height, width] of [
    [4, 4],
    [9, 7],
    [23, 40],
  ] as const) {
    const pixels = randomBytes(height * width * 3, height)
    t.deepEqual(await decode({ pixels, height, width }), await decode(rgbPng(width, height, pixels)), `${height} x ${width}`)
  }
})

test('what is no image is refused', async (t) => {
  for (const wrong of [undefined, null, 5, {}, { pixels: [1, 2, 3], height: 1, width: 1 }, [1]])
    t.throws(() => checkImage('classify', wrong), { code: 'ERR_OPTION' })
  const pixels = new Uint8Array(12)
  t.throws(() => checkImage('classify', { pixels, height: 2, width: 2, depth: 3 }), { code: 'ERR_OPTION', message: /depth/ })
  await t.throwsAsync(decode({ pixels, height: 2, width: 3 }), { code: 'ERR_OPTION', message: /2 x 3 x 3 bytes \(18\), got 12/ })
  await t.throwsAsync(decode({ pixels, height: 0, width: 3 }), { code: 'ERR_OPTION', message: /height/ })
  await t.throwsAsync(decode({ pixels: new Uint8Array(300), height: 10, width: 10 }, { ...options, maxPixels: 99 }), {
    code: 'ERR_IMAGE',
    message: /expected at most 99 pixels, got 10 x 10/,
  })
})
