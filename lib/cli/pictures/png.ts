/** A PNG of 8-bit gray or RGB pixels, for pictures inside a page. Node's zlib does the work. */
import { crc32, deflateSync } from 'node:zlib'

export interface Pixels {
  readonly height: number
  readonly width: number
  /** 1: gray, 3: RGB. */
  readonly channels: 1 | 3
  /** Rows of pixels, top first. */
  readonly values: Uint8Array
}

export function pngUrl(pixels: Pixels): string {
  return `data:image/png;base64,${encodePng(pixels).toString('base64')}`
}

export function encodePng({ height, width, channels, values }: Pixels): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8)
  const row = width * channels
  const filtered = Buffer.alloc(height * (row + 1)) // each row after a byte 0: no filter
  for (let y = 0; y < height; y++) filtered.set(values.subarray(y * row, (y + 1) * row), y * (row + 1) + 1)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filtered)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
