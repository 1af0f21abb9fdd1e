/** A batch that a loader gives has images, labels and where to crop. */
export interface LoadedBatch {
  /** Pixels are bytes as they are stored, [image][row][column][channel]: `crops` is still to be applied. */
  readonly images: Uint8Array
  /** The class of each image [batch] is from 0 to classes - 1; -1 is for images that do not count. */
  readonly labels: Int32Array
  /** Per image [batch, 3]: top and left of the crop in the padded image, in pixels, and 1 where it is mirrored. */
  readonly crops: Int32Array
  /** The number of images that count is from 0 to the batch, and below the batch only in an evaluation. */
  readonly count: number
}
