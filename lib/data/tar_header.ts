/** What stands between the files of a tar: headers of the ustar format, always the same bytes for the same names and sizes. */

/** Headers have this many bytes, and files begin at multiples of it. */
export const tarBlock = 512

/** Of a regular file that belongs to nobody and was written in 1970. The name has at most 100 bytes, the file at most 8 GiB. */
export function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(tarBlock)
  header.write(name, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        0', 148)
  header.write('ustar\0' + '00', 257)
  // The sum is taken with spaces in its own field.
  const sum = header.reduce((total, byte) => total + byte)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Zeros behind a file, up to the next block. */
export function paddingOf(size: number): Buffer {
  return Buffer.alloc(-size & (tarBlock - 1))
}

/** Two blocks of zeros. */
export const endOfTar: Buffer = Buffer.alloc(2 * tarBlock)
