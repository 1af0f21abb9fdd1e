/** What a classifier is asked about. */

/**
 * The bytes of a JPEG, PNG or WebP file are copied when they are given. Pixels are taken as they are stored, as in training: an orientation in EXIF data is not obeyed.
 */
export type ImageFile = Uint8Array

/** The pixels of an image, as a camera or another decoder gives them, are prepared as those of a file are. They are copied when they are given. */
export interface ImagePixels {
  /** The bytes [height, width, channels] are from 0 to 255, with as many channels as the network's input. */
  readonly pixels: Uint8Array
  /** The number of rows is at least 1, in pixels. */
  readonly height: number
  /** The number of columns is at least 1, in pixels. */
  readonly width: number
}

/** An image is the path or URL of a file, the bytes of one, or pixels. */
export type ImageInput = string | URL | ImageFile | ImagePixels
