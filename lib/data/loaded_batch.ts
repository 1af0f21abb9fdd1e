/** A batch that a loader gives has images, labels and where to crop. */
export interface LoadedBatch {
  /** Pixels are bytes as they are stored, [image][row][column][channel]: `crops` is still to be applied. */
  readonly images: Uint8Array
  /** The class of each image [batch] is from 0 to classes - 1; -1 is for images that do not count. */
  readonly labels: Int32Array
  /** Per image [batch, 3]: top and left of the crop in the padded image, in pixels, and 1 where it is mirrored. */
  readonly crops: Int32Array
  /**
   * With mixup or cutmix, per image [batch, 6]: its partner's place in the batch, the share that it keeps within the box in units of 2^-24, and top, left, height
   * and width of the box, in pixels of the network's input; a box without pixels leaves an image as it is.
   * @default undefined
   */
  readonly mixes?: Int32Array | undefined
  /** The number of images that count is from 0 to the batch, and below the batch only in an evaluation. */
  readonly count: number
}
