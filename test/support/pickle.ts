/** Pickles as Python 2 (protocol 2) wrote those of the CIFAR archives, and as Python 3 writes them (protocol 4). */

type Value = number | string | readonly number[] | readonly string[] | Matrix
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly bytes: Uint8Array
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1')

export function pickle2(entries: Readonly<Record<string, Value>>): Buffer {
  let remembered = 0
  const put = (): Buffer => (remembered < 256 ? Buffer.of(0x71, remembered++) : Buffer.concat([text('r'), uint32(remembered++)]))
  const short = (value: string): Buffer => Buffer.concat([text('U'), Buffer.of(value.length), text(value), put()])
  const encode = (value: Value): Buffer => {
    if (typeof value === 'number') return integer(value)
    if (typeof value === 'string') return short(value)
    if (Array.isArray(value)) return Buffer.concat([text(']'), put(), text('('), ...(value as readonly (number | string)[]).map(encode), text('e')])
    const { rows, columns, bytes } = value as Matrix
    const type = Buffer.concat([text('cnumpy\ndtype\n'), put(), short('u1'), Buffer.of(0x4b, 0, 0x4b, 1, 0x87), put(), text('R'), put()])
    const typeState = Buffer.concat([text('(K\x03'), short('|'), text('NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t'), put(), text('b')])
    return Buffer.concat([
      text('cnumpy.core.multiarray\n_reconstruct\n'),
      put(),
      text('cnumpy\nndarray\n'),
      put(),
      Buffer.of(0x4b, 0, 0x85),
      put(),
      short('b'),
      Buffer.of(0x87),
      put(),
      text('R'),
      put(),
      text('(K\x01'),
      integer(rows),
      integer(columns),
      Buffer.of(0x86),
      put(),
      type,
      typeState,
      Buffer.of(0x89),
      text('T'),
      uint32(bytes.length),
      bytes,
      put(),
      text('t'),
      put(),
      text('b'),
    ])
  }
  const items = Object.entries(entries).flatMap(([key, value]) => [short(key), encode(value)])
  return Buffer.concat([Buffer.of(0x80, 2), text('}'), put(), text('('), ...items, text('u.')])
}

/** With bytes as keys, as `pickle.dump(dictionary, file, 4)` of what Python 3 read from the other one. */
export function pickle4(entries: Readonly<Record<string, Value>>): Buffer {
  const memoize = Buffer.of(0x94)
  const bytes = (value: string): Buffer => Buffer.concat([text('C'), Buffer.of(value.length), text(value), memoize])
  const unicode = (value: string): Buffer => Buffer.concat([Buffer.of(0x8c, value.length), text(value), memoize])
  const encode = (value: Value): Buffer => {
    if (typeof value === 'number') return integer(value)
    if (typeof value === 'string') return bytes(value)
    if (Array.isArray(value)) return Buffer.concat([text(']'), memoize, text('('), ...(value as readonly (number | string)[]).map(encode), text('e')])
    const { rows, columns, bytes: data } = value as Matrix
    const type = Buffer.concat([
      unicode('numpy'),
      unicode('dtype'),
      Buffer.of(0x93),
      memoize,
      unicode('u1'),
      Buffer.of(0x89, 0x88, 0x87),
      memoize,
      text('R'),
      memoize,
    ])
    const typeState = Buffer.concat([text('(K\x03'), unicode('|'), text('NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t'), memoize, text('b')])
    return Buffer.concat([
      unicode('numpy._core.multiarray'),
      unicode('_reconstruct'),
      Buffer.of(0x93),
      memoize,
      unicode('numpy'),
      unicode('ndarray'),
      Buffer.of(0x93),
      memoize,
      Buffer.of(0x4b, 0, 0x85),
      memoize,
      bytes('b'),
      Buffer.of(0x87),
      memoize,
      text('R'),
      memoize,
      text('(K\x01'),
      integer(rows),
      integer(columns),
      Buffer.of(0x86),
      memoize,
      type,
      typeState,
      Buffer.of(0x89),
      text('B'),
      uint32(data.length),
      data,
      memoize,
      text('t'),
      memoize,
      text('b'),
    ])
  }
  const items = Object.entries(entries).flatMap(([key, value]) => [bytes(key), encode(value)])
  return Buffer.concat([Buffer.of(0x80, 4), Buffer.of(0x95), Buffer.alloc(8), text('}'), memoize, text('('), ...items, text('u.')])
}

function integer(value: number): Buffer {
  if (value >= 0 && value < 256) return Buffer.of(0x4b, value)
  if (value >= 0 && value < 65536) return Buffer.of(0x4d, value & 255, value >> 8)
  const bytes = Buffer.alloc(5)
  bytes.write('J', 'latin1')
  bytes.writeInt32LE(value, 1)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
