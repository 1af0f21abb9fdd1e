/** PNG files made by hand, from the specification. */
import { crc32, deflateSync } from 'node:zlib'

export interface PngOptions {
  readonly width: number
  readonly height: number
  readonly depth: 1 | 2 | 4 | 8 | 16
  /** 0 gray, 2 color, 3 palette, 4 gray and alpha, 6 color and alpha. */
  readonly color: 0 | 2 | 3 | 4 | 6
  /** Bytes of the rows, without filters. */
  readonly rows: Uint8Array
  readonly palette?: Uint8Array
}

export function png({ width, height, depth, color, rows, palette }: PngOptions): Buffer {
  const pitch = rows.length / height
  const filtered = Buffer.concat(Array.from({ length: height }, (_, y) => Buffer.concat([Buffer.of(0), rows.subarray(y * pitch, (y + 1) * pitch)])))
  const chunks = [...(palette === undefined ? [] : [chunk('PLTE', palette)]), chunk('IDAT', deflateSync(filtered)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([pngHeader({ width, height, depth, color }), ...chunks])
}

/** What a file begins with; behind it there are the pixels. */
export function pngHeader({ width, height, depth, color }: Pick<PngOptions, 'width' | 'height' | 'depth' | 'color'>): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, color, 0, 0, 0], 8)
  return Buffer.concat([Buffer.of(137, 80, 78, 71, 13, 10, 26, 10), chunk('IHDR', header)])
}

/** 8-bit RGB. */
export function rgbPng(width: number, height: number, pixels: Uint8Array): Buffer {
  return png({ width, height, depth: 8, color: 2, rows: pixels })
}

export function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
