/** Which files are images that can be read: by the ends of their names, or else by their first bytes. */
import { readAtMost } from '../formats/file_range.js'
import { openFile, unreadable } from '../regular_file.js'

/** 'other': an image in a format that is not read. 'none': no image. */
type FileKind = 'image' | 'other' | 'none'

const imageName = /\.(jpe?g|jpe|jfif|jif|pjpeg|pjp|png|webp)$/i
const pnmName = /\.(ppm|pgm)$/i
const otherImageName = /\.(bmp|gif|tiff?|avif|heic|heif|jxl|jp2|ppm|pgm|svg)$/i

/** Whether the name is one of an image that is read. Files with other names are looked into, because an image may have any name. */
export function isImageName(name: string): boolean {
  return imageName.test(name)
}

/** Whether the name is one of binary PNM, as `pack` stores pixels: it is read in archives, not in folders. */
export function isPnmName(name: string): boolean {
  return pnmName.test(name)
}

/** The ending of a file's name, by its first bytes. Undefined for what is no image that is read. */
export function endingOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString('latin1')
  if (start.startsWith('\xff\xd8\xff')) return 'jpg'
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (/^RIFF.{4}WEBP/s.test(start)) return 'webp'
  if (/^P[56]\s/.test(start)) return start[1] === '5' ? 'pgm' : 'ppm'
  return undefined
}

const others = /^(GIF8|BM|II\*\0|MM\0\*|....ftyp(avi[fs]|hei[cfsx]|mif1|msf1)|\0\0\0.(JXL|jP) {1,2}|P[1-6]\s)/s

/** Whether the name is one of an image in a format that is not read. */
export function isOtherImageName(name: string): boolean {
  return otherImageName.test(name)
}

/** Of a regular file whose name is not one of an image that is read. ERR_FILE where it cannot be read. */
export async function kindOfFile(path: string): Promise<FileKind> {
  let bytes
  try {
    await using file = await openFile(path)
    bytes = await readAtMost(file, 0, 16)
  } catch (error) {
    throw unreadable(path, error)
  }
  const ending = endingOf(bytes)
  if (ending !== undefined && isImageName(`.${ending}`)) return 'image'
  return others.test(bytes.toString('latin1')) || isOtherImageName(path) ? 'other' : 'none'
}
