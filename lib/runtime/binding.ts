/** The only file that touches the native addon. */

/** Session of the addon. One native thread; calls that return promises run there, in the order they were made. */
export interface NativeSession {
  /** Bytes, known before anything is allocated. */
  readonly memory: { readonly arenas: number; readonly scratch: number; readonly total: number; readonly available: number }
  /** ERR_MEMORY with both figures if `total` exceeds `available`. Every arena starts as zeros. */
  allocate(): Promise<void>
  /** Values in logical order (NCHW, OIHW ...), whatever the layout inside. f64, f32 and bf16 come as Float64Array, i32 as Int32Array, u8 as Uint8Array. */
  read(tensor: string): Promise<Float64Array | Int32Array | Uint8Array>
  /** Same order; the element count must fit. Writing a parameter makes executors forget transformed weights. */
  write(tensor: string, values: Float64Array | Float32Array | Int32Array | Uint8Array): Promise<void>
  /** Plain f32 or f64 tensor of a persistent arena: a view of its memory. `shared` is false (a copy) where the runtime forbids external buffers. Detached by dispose. */
  view(tensor: string): { readonly values: Float32Array | Float64Array; readonly shared: boolean }
  /**
   * Runs a program `steps` times. With a loader, batch `firstBatch + i` is copied into `images`, `labels`, `placement` before each run; the call
   * ends early where the loader has no more. Resolves with one row a step: the `metrics` tensor (4 values) and then the seconds waited for
   * data and seconds run, 6 values a step. With `checkFinite` a loss that is not finite rejects with ERR_NOT_FINITE that names step and first operation.
   */
  run(program: string, options: RunOptions): Promise<RunResult>
  /** Ends the current and all queued runs between two operations: they resolve with the steps that were completed and `cancelled: true`. */
  cancel(): void
  /** Chrome trace events of the last run with `trace: true`: name, op, start and duration in microseconds. */
  trace(): readonly { readonly name: string; readonly op: string; readonly start: number; readonly duration: number }[]
  /** Stops the thread, then frees. Idempotent. */
  dispose(): Promise<void>
}

export interface RunOptions {
  readonly steps: number
  readonly seed: number
  /** Global index of the first step (random numbers hang on it). */
  readonly firstStep: number
  /** One a step, or empty for programs without sgd. */
  readonly learningRates: Float64Array
  readonly loader?: NativeLoader
  readonly firstBatch?: number
  readonly checkFinite?: boolean
  /** For tests: fill dead ranges of the activation arena with NaN patterns between operations. */
  readonly poison?: boolean
  readonly trace?: boolean
  /** Collect `predictions` and `labels` of every step (evaluation): they come concatenated. */
  readonly collect?: boolean
}
export interface RunResult {
  /** Steps completed, 6 values each: loss sum, samples counted, top-1 hits, top-5 hits, seconds waited for data, seconds of the step. */
  readonly rows: Float64Array
  readonly completed: number
  readonly cancelled: boolean
  readonly predictions?: Int32Array
  readonly labels?: Int32Array
}

/** Batches of images in a ring of slots, filled by C++ threads. */
export interface NativeLoader {
  readonly batch: number
  /** For JavaScript: copies of batch `index`. Sessions read the slots directly. */
  next(index: number): Promise<{ images: Uint8Array; labels: Int32Array; placement: Int32Array; count: number } | null>
  close(): Promise<void>
}

export interface LoaderDescription {
  readonly source:
    | { readonly kind: 'memory'; readonly images: Uint8Array; readonly labels: Int32Array }
    /** Decoded, resized (shorter side to `resize`, 0: no resizing) and centre-cropped to height x width by the workers. */
    | { readonly kind: 'files'; readonly paths: readonly string[]; readonly labels: Int32Array; readonly resize: number }
  /** Of one stored image, before padding and cropping by `placement`. */
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly batch: number
  /** Training: shuffle by (seed, epoch) and drop the short last batch; endless. Evaluation: in order, padded with label -1, one pass. */
  readonly mode: 'train' | 'evaluate'
  readonly seed: number
  /** Training: placement is random in a border of `pad`, mirrored half of the time where `flip`. Else 'pad, pad, 0': the centre. */
  readonly pad: number
  readonly flip: boolean
  readonly workers: number
  readonly slots: number
}

export interface NativeBinding {
  readonly version: string
  /** Of contracts.json, equal to ProgramSet.contracts. */
  readonly contracts: number
  /** CPU model, instruction sets, physical and allowed threads, memory; versions of oneDNN, libjpeg-turbo, libspng, Highway, compiler. */
  readonly system: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /**
   * programs: JSON of a ProgramSet. Verifies it (ERR_PROGRAM) and prepares every operation, on the session's own thread: reading, verifying and
   * creating primitives take tens of milliseconds that the event loop does not have. threads: 0 for what the machine allows.
   */
  createSession(programs: string, options: { readonly threads: number }): Promise<NativeSession>
  createLoader(description: LoaderDescription): NativeLoader
  /** JPEG or PNG to RGB (or grey) pixels, NHWC. Resized and cropped as in LoaderDescription where height and width are given. */
  decodeImage(file: Uint8Array, options: { readonly channels: number; readonly resize?: number; readonly height?: number; readonly width?: number }): Promise<{
    readonly pixels: Uint8Array
    readonly height: number
    readonly width: number
    readonly channels: number
  }>
}
