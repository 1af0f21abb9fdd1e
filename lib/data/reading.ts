/** How files are read before there is a loader for a run. */

/** What comes of a file that is no image: an error, or nothing, and it is counted. */
type CorruptChoice = 'error' | 'skip'

export interface Reading {
  /** Threads that decode. */
  readonly workers: number
  readonly signal: AbortSignal | undefined
  /** @default 'error' */
  readonly corrupt?: CorruptChoice
}

/** Of headers alone. */
export type HeaderReading = Partial<Omit<Reading, 'workers'>>
