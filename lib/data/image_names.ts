/** Which files are images that can be read: by the ends of their names, or else by their first bytes. */
import { readAtMost } from '../formats/file_range.js'
import { openFile, unreadable } from '../regular_file.js'

/** 'other': an image in a format that is not read. 'none': no image. */
type FileKind = 'image' | 'other' | 'none'

const imageName = /\.(jpe?g|jpe|jfif|jif|pjpeg|pjp|png)$/i
const otherImageName = /\.(webp|bmp|gif|tiff?|avif|heic|heif|jxl|jp2|ppm|pgm|svg)$/i

/** Whether the name is one of an image that is read. Files with other names are looked into, because an image may have any name. */
export function isImageName(name: string): boolean {
  return imageName.test(name)
}

const first = (...bytes: number[]): string => String.fromCharCode(...bytes)
const read = [first(0xff, 0xd8, 0xff), first(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)]
const others = /^(GIF8|BM|II\*\0|MM\0\*|RIFF....WEBP|....ftyp(avi[fs]|hei[cfsx]|mif1|msf1)|\0\0\0.(JXL|jP) {1,2}|P[1-6]\s)/s

/** Whether the name is one of an image in a format that is not read. */
export function isOtherImageName(name: string): boolean {
  return otherImageName.test(name)
}

/** Of a regular file whose name is not one of an image that is read. ERR_FILE where it cannot be read. */
export async function kindOfFile(path: string): Promise<FileKind> {
  let bytes
  try {
    await using file = await openFile(path)
    bytes = (await readAtMost(file, 0, 16)).toString('latin1')
  } catch (error) {
    throw unreadable(path, error)
  }
  if (read.some((start) => bytes.startsWith(start))) return 'image'
  return others.test(bytes) || isOtherImageName(path) ? 'other' : 'none'
}
