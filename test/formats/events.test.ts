import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { EventFileWriter } from '../../lib/formats/events.js'
import { temporaryDirectory } from './directory.js'

/** A decoder of its own: checksums bit by bit, messages by wire type. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n
  }
  crc ^= 0xffffffffn
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn)
}

function records(file: Buffer): Buffer[] {
  const list: Buffer[] = []
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at))
    if (file.readUInt32LE(at + 8) !== checksum(file.subarray(at, at + 8))) throw new Error('checksum of a length')
    const data = file.subarray(at + 12, at + 12 + length)
    if (file.readUInt32LE(at + 12 + length) !== checksum(data)) throw new Error('checksum of data')
    list.push(data)
    at += 16 + length
  }
  return list
}

type Field = [number: number, value: bigint | number | Buffer]

function fields(message: Buffer): Field[] {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const list: Field[] = []
  while (at < message.length) {
    const key = Number(varint())
    const field = key >> 3
    switch (key & 7) {
      case 0:
        list.push([field, varint()])
        break
      case 1:
        list.push([field, message.readDoubleLE(at)])
        at += 8
        break
      case 2: {
        const length = Number(varint())
        list.push([field, message.subarray(at, at + length)])
        at += length
        break
      }
      case 5:
        list.push([field, message.readFloatLE(at)])
        at += 4
        break
      default:
        throw new Error(`wire type ${key & 7}`)
    }
  }
  return list
}

const field = (message: Buffer, number: number): Field[1] | undefined => fields(message).find(([key]) => key === number)?.[1]

test('an event file holds version, steps, tags and values', async (t) => {
  const directory = await temporaryDirectory(t)
  const writer = await EventFileWriter.create(directory, 0)
  await writer.write({ wallTime: 1234.5, step: 300, scalars: { 'train/loss': 0.25, lr: 0.1 } })
  await writer.write({ wallTime: 1235.5, step: 2 ** 40, scalars: { 'val/top1': -1 } })
  await writer.close()

  const [name] = await readdir(directory)
  t.regex(name!, /^events\.out\.tfevents\.\d+\./)
  const [version, first, second, ...rest] = records(await readFile(join(directory, name!)))
  t.is(rest.length, 0)
  t.is((field(version!, 3) as Buffer).toString(), 'brain.Event:2')

  t.is(field(first!, 1), 1234.5)
  t.is(field(first!, 2), 300n)
  const values = fields(field(first!, 5) as Buffer).map(([key, value]) => {
    t.is(key, 1)
    return [(field(value as Buffer, 1) as Buffer).toString(), field(value as Buffer, 2)]
  })
  t.deepEqual(values, [
    ['train/loss', 0.25],
    ['lr', Math.fround(0.1)],
  ])
  t.is(field(second!, 2), 2n ** 40n)
})

test('a resumed run says from which step on earlier files no longer count', async (t) => {
  const directory = await temporaryDirectory(t)
  const first = await EventFileWriter.create(directory, 0)
  const second = await EventFileWriter.create(directory, 1000)
  t.true(first.path < second.path, 'readers take files in the order of their names')
  await first.close()
  await second.close()
  t.is(records(await readFile(first.path)).length, 1)
  const start = records(await readFile(second.path))[1]!
  t.is(field(start, 2), 1001n, 'what was written at step 1000 counts')
  t.is(field(field(start, 7) as Buffer, 1), 1n)
})

test('a directory that is not there is an error with its name', async (t) => {
  const directory = join(await temporaryDirectory(t), 'none')
  await t.throwsAsync(EventFileWriter.create(directory, 0), { code: 'ERR_FILE', message: /none.*no such file or directory/ })
})
