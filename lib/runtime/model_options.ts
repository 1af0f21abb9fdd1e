/** The options of `session.save` and `session.load`. */
import type { Preparation } from '../data/prepare/preparation.js'

/** The options of `session.save` are these. */
export interface SaveOptions {
  /** The file shall say that images are prepared in this way, where it is not as in the session. @default the session's */
  readonly prepare?: Preparation
}

/** The options of `session.load` are these. */
export interface LoadOptions {
  /** Names, paths above them or patterns with `*` of what keeps its start values: a replaced head. The file may lack them, or have others. @default [] */
  readonly except?: readonly string[]
  /**
   * With 'same' a file whose network saw its pixels normalized otherwise than this session normalizes them is refused, for its accuracy would be lost.
   * With 'any' it is taken, to be trained further on these images.
   * @default 'same'
   */
  readonly normalization?: 'same' | 'any'
  /**
   * With 'same' a file whose classes are others than those of this session's data, or in another order, is refused, for its answers would be taken for others; unless
   * `except` leaves out the weights of the last layer, whose outputs they are.
   * With 'any' it is taken, to be trained further for these classes.
   * @default 'same'
   */
  readonly classes?: 'same' | 'any'
}
