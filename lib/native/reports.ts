/** What sessions tell of themselves; the part of the addon's types that users see. */

/** The memory of a session is counted in bytes. */
export interface SessionMemory {
  /** The number of bytes of its tensors is at least 0. */
  readonly arenas: number
  /** The number of bytes that operations work in is at least 0. */
  readonly scratch: number
  /** The number of bytes of both is at least 0. */
  readonly total: number
  /** The number of bytes that are free where they lie is at least 0. */
  readonly available: number
}

/** This is one operation that ran, and when. */
export interface TraceEvent {
  /** The layer that it belongs to is named here. */
  readonly name: string
  /** The operation is this one of native/ops/contracts.json. */
  readonly op: string
  /** The microseconds since the run began are at least 0. */
  readonly start: number
  /** The microseconds that it took are at least 0. */
  readonly duration: number
}

/** What one step of a program does on a CUDA device. */
export interface BytesMoved {
  /** The number of launches of kernels is at least 0. */
  readonly launches: number
  /** The number of those that are cuDNN's is at least 0. */
  readonly convolutionLaunches: number
  /** The number of waits of one stream for another is at least 0. */
  readonly waits: number
  /** The number of bytes that operations read is at least 0. */
  readonly bytesRead: number
  /** The number of bytes that operations write is at least 0. */
  readonly bytesWritten: number
}
