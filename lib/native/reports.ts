/** What sessions tell of themselves; the part of the addon's types that users see. */

/** Bytes. */
export interface SessionMemory {
  readonly arenas: number
  readonly scratch: number
  readonly total: number
  /** What is free where they lie. */
  readonly available: number
}

/** One operation that ran: the layer it belongs to, its name, and microseconds since the run began. */
export interface TraceEvent {
  readonly name: string
  readonly op: string
  readonly start: number
  readonly duration: number
}

export interface BytesMoved {
  readonly launches: number
  readonly convolutionLaunches: number
  readonly waits: number
  readonly bytesRead: number
  readonly bytesWritten: number
}
