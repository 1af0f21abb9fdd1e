/** What the native addon offers, as JavaScript sees it. */
import type { SessionMemory, TraceEvent, BytesMoved } from './reports.js'

/** Session of the addon. One native thread; calls that return promises run there, in the order they were made. */
export interface NativeSession {
  /** Bytes, known before anything is allocated. */
  readonly memory: SessionMemory
  /** ERR_MEMORY with both figures if `total` exceeds `available`, on CUDA less a reserve for the code of kernels. Every arena starts as zeros. */
  allocate(): Promise<void>
  /** Values in logical order (NCHW, OIHW ...), whatever the layout inside. f64, f32 and bf16 come as Float64Array, i32 as Int32Array, u8 as Uint8Array. */
  read(tensor: string): Promise<Float64Array | Int32Array | Uint8Array>
  /**
   * Copies the first values of a floating-point tensor into `target`, as fp32, and resolves with it; nobody else may use it before. f64 is rounded.
   * ERR_PARAMETER where the tensor has another type or fewer values.
   */
  readFloats(tensor: string, target: Float32Array): Promise<Float32Array>
  /** Same order; the element count must fit. Writing a parameter makes executors forget transformed weights. */
  write(tensor: string, values: Float64Array | Float32Array | Int32Array | Uint8Array): Promise<void>
  /** Writes all values of a floating-point tensor without copying them first: nobody may change or transfer the array before the promise is settled. */
  writeFloats(tensor: string, values: Float32Array): Promise<void>
  /** Plain f32 or f64 tensor of a persistent arena other than `inputs`: a view of its memory, or ERR_UNSUPPORTED where that is a device's. `shared` is false (a copy) where the runtime forbids external buffers. Detached by dispose. */
  view(tensor: string): { readonly values: Float32Array | Float64Array; readonly shared: boolean }
  /**
   * Runs a program `steps` times. With a loader, batch `firstBatch + i` is copied into `images`, `labels`, `crops` before each run; the call
   * ends early where the loader has no more. Resolves with one row a step: the `metrics` tensor (4 values) and then the seconds waited for
   * data and seconds run, 6 values a step. With `checkFinite` a loss that is not finite rejects with ERR_NOT_FINITE that names step and first operation.
   */
  run(program: string, options: RunOptions): Promise<RunResult>
  /**
   * One step of a program without labels and crops: pixels of 1 to a whole batch of images in, the first values of floating-point outputs into their targets, as fp32.
   * What was asked for before may still be going on: on CUDA the next one's pixels are copied while one is computed, and results while the next one is. Nobody else may use images and
   * targets before it is settled. ERR_ABORTED where `cancel` came before it began; an error is of this call alone.
   */
  infer(program: string, images: readonly Uint8Array[], outputs: readonly InferenceOutput[]): Promise<void>
  /** Of several ranks: an arena of every rank becomes that of rank 0. Every rank calls it. */
  share(arena: string): Promise<void>
  /** Ends the current and all queued runs between two operations: they resolve with the steps that were completed and `canceled: true`. */
  cancel(): void
  /**
   * What the machine reaches at best, measured for less than a second: operations a second (on a CPU f32 in registers on all threads, on a GPU of a large
   * matrix product in the session's arithmetic) and bytes a second read and written by large copies. ERR_UNSUPPORTED on the reference.
   */
  measureRoofline(): Promise<Roofline>
  /** Of one step of a program on a CUDA device: launches, event waits, and the bytes of what operations read and write. ERR_UNSUPPORTED elsewhere. */
  bytesMoved(program: string): Promise<BytesMoved>
  /** Chrome trace events of the last run with `trace: true`: name, op, start and duration in microseconds. */
  trace(): readonly TraceEvent[]
  /** Stops the thread, then frees. Idempotent. */
  dispose(): Promise<void>
}

/** Rates a second, and the instruction set that a CPU's vector code runs on, as Highway calls it: AVX3_ZEN4, AVX2, NEON. */
export interface Roofline {
  readonly flops: number
  readonly bytes: number
  readonly instructions: string
}

export interface InferenceOutput {
  readonly name: string
  readonly target: Float32Array
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
  /** With `trace`, on CUDA: each operation waits for the one before, so that what is traced is its own time and nothing runs beside it. */
  readonly serial?: boolean
  /** Of a program without a loss: how many images at the front of the batch are wanted; the CPU computes no others. @default all */
  readonly images?: number
  /** Collect `predictions` and `labels` of every step (evaluation): they come concatenated. */
  readonly collect?: boolean
}
export interface RunResult {
  /** Steps completed, 6 values each: loss sum, samples counted, top-1 hits, top-5 hits, seconds waited for data, seconds of the step. */
  readonly rows: Float64Array
  readonly completed: number
  readonly canceled: boolean
  readonly predictions?: Int32Array
  readonly labels?: Int32Array
}

/** Batches of images in a ring of slots, filled by C++ threads. */
export interface NativeLoader {
  /** Of this rank. */
  readonly batch: number
  /** Of an epoch or an evaluation. */
  readonly batches: number
  /** Of an epoch or an evaluation, that are this rank's. */
  readonly samples: number
  /** Samples left out of the batches that were handed out, each once. ERR_DISPOSED after close. */
  corrupt(): CorruptSamples
  /** Batch `index` where it lies in the ring, until `release(ticket)`. Null where there is none or the loader was closed. */
  acquire(index: number): Promise<HeldBatch | null>
  release(ticket: number): void
  close(): Promise<void>
}

/** Only `images` lie in the ring; they are a copy where the runtime forbids external buffers. */
export interface HeldBatch {
  readonly images: Uint8Array
  readonly labels: Int32Array
  readonly crops: Int32Array
  /** Six integers an image, as operation `mix` has them; only where something is mixed. */
  readonly mixes?: Int32Array
  readonly indices: Int32Array
  readonly count: number
  readonly ticket: number
}

/** Samples that are no images, and for each the message of the error, which names the file. */
export interface CorruptSamples {
  readonly samples: Int32Array
  readonly reasons: readonly string[]
}

/** Where the bytes of samples are: `file` (an index in `files`), `offset` and `length` (-1: to the end of the file) have one entry for each. */
interface ByteRanges {
  /** Paths, or names behind one prefix, each with a zero byte behind it at its end. */
  readonly files: readonly string[] | { readonly prefix: string; readonly names: Uint8Array; readonly ends: Int32Array }
  /** Size in bytes and time in milliseconds (0: not known) of each file: any other is an error when it is read. */
  readonly listed?: { readonly bytes: Float64Array; readonly modified: Float64Array }
  readonly file: Int32Array
  readonly offset: Float64Array
  readonly length: Float64Array
}

/** How workers make an image of height x width from a file. */
export interface DecodeSettings {
  /** Shorter side after resizing; 0: as stored. */
  readonly resize: number
  /** `resize` is for images of other sizes alone. */
  readonly keepFitting: boolean
  /** The image must have height x width now, else ERR_IMAGE. Otherwise height x width are cut out. */
  readonly exact: boolean
  /** Above 0: the shorter side is drawn from `resize` to this. @default 0 */
  readonly resizeTo?: number
  /** What is cut out: the center, a part at random, a part of random area that becomes height x width, or the one of ten that `sample` says. @default 'center' */
  readonly crop?: 'center' | 'random' | 'area' | 'ten'
  /** Of a random area: its least and largest share of the image, its least and largest width / height. */
  readonly area?: Float64Array
  /** The middle of this size alone is prepared. @default all of the image */
  readonly before?: { readonly height: number; readonly width: number }
  /** Once it is resized, its middle of this size is cropped. @default all of it */
  readonly within?: { readonly height: number; readonly width: number }
  /** @default 'bilinear' */
  readonly filter?: 'bilinear' | 'bicubic'
  /** JPEG is decoded at 1/2, 1/4 or 1/8 where that still is as large as what it is resized to. @default false */
  readonly scaled?: boolean
  /** The orientation in the EXIF data of a JPEG or WebP is obeyed. @default false */
  readonly upright?: boolean
}

/** A random change of prepared images. */
export interface NativeAugmentation {
  readonly kind: 'colorJitter' | 'lighting' | 'randomErasing' | 'trivialAugment' | 'randAugment'
  /** In the order of the members of its type in native/data/augmentation/augment.h; a range that is not there is NaN, NaN. */
  readonly numbers: Float64Array
}

/** Takes the bytes of a sample, which are copied, or the code and the message of an error. What comes a second time is dropped. */
interface SampleTaker {
  (bytes: Uint8Array): void
  (code: string, message: string): void
}

/** Samples that are asked for one by one. */
export interface AskedSource {
  readonly kind: 'custom'
  /** Errors begin with this and the sample's entry in `index`. */
  readonly name: string
  readonly index: Int32Array
  /** Where the samples lie, by their entries in `index`: errors begin with that instead. */
  readonly addresses?: Pick<ByteRanges, 'files' | 'file' | 'offset'>
  /** Stands before all bytes that are given: the header of a PNM file where they are pixels, else empty. */
  readonly prefix: string
  /** Begins to fetch a sample; must not throw. `done` may be called at any time. */
  ask(sample: number, done: SampleTaker): void
  /** The loader was closed: what is under way is wanted no more. */
  ended(): void
}

export interface LoaderDescription {
  readonly source:
    | { readonly kind: 'memory'; readonly images: Uint8Array; readonly labels: Int32Array; readonly corrupt?: CorruptSamples }
    | ({ readonly kind: 'ranges'; readonly labels: Int32Array } & ByteRanges)
    | ({ readonly labels: Int32Array } & AskedSource)
  /** Of a source of files. */
  readonly decode?: DecodeSettings
  /** In training, of images of 1 or 3 channels, in their order. @default none */
  readonly augmentations?: readonly NativeAugmentation[]
  /** Of one stored image, before padding and cropping by `crops`. */
  readonly height: number
  readonly width: number
  readonly channels: number
  /** Of this rank: a whole batch is that of all ranks. */
  readonly batch: number
  /** @default 0 */
  readonly rank?: number
  /** @default 1 */
  readonly ranks?: number
  /** Moves all batches by what it is beyond a multiple of a whole batch. @default 0 */
  readonly firstSample?: number
  /** ERR_IMAGE of a sample does not reject. Training: its place has the nearest good sample of the whole batch; evaluation: label -1. @default false */
  readonly skipCorrupt?: boolean
  /** Fill what was released with 0xA5. @default false */
  readonly poison?: boolean
  /** Training: shuffle by (seed, epoch) and drop the short last batch; endless. Evaluation: in order, padded with label -1, one pass. */
  readonly mode: 'train' | 'evaluate'
  readonly seed: number
  /** Training: instead of shuffling, each place draws a class, each with the same probability, and one of its samples in the same way. @default false */
  readonly balanced?: boolean
  /** Training: each sample comes so often in a row, over 1 / repeats of an epoch's order. @default 1 */
  readonly repeats?: number
  /** Of a batch of all ranks: equal runs of images, of which partners of a mix are, and over which copies are dealt out. @default 1 */
  readonly groups?: number
  /** Training: parameters of mixup and cutmix; 0: never. @default 0 */
  readonly mixup?: number
  readonly cutmix?: number
  /** Training: crops is random in a border of `pad`, mirrored half of the time where `flip`. Else 'pad, pad, 0': the center. */
  readonly pad: number
  readonly flip: boolean
  readonly workers: number
  readonly slots: number
}

/** What a session on a CUDA device can be told beside its programs: keys of the settings document that native/cuda/settings.cpp reads. */
export interface CudaSessionOptions {
  readonly index?: number
  readonly deterministic?: boolean
  readonly eager?: boolean
  readonly workspaceLimit?: number
  /** Bytes of sets of images on the device. */
  readonly residentLimit?: number
  /** Programs with a convolution that no engine computes are left out: running one is ERR_UNSUPPORTED, with the reason. */
  readonly partial?: boolean
}

/** How a session runs, whatever its programs. */
export interface SessionSettings {
  readonly threads: number
  readonly cuda?: CudaSessionOptions
  /** Who takes part where programs have an operation `all_reduce`. */
  readonly ranks?: NativeRanks
}

/** How a process becomes one of several ranks. */
export type RanksDescription = {
  /** Milliseconds after which a rank that says nothing counts as gone. */
  readonly silence: number
  /** Milliseconds after which opening fails with ERR_RANK if not all have joined. What waits inside of MPI then stays until the process ends. */
  readonly startTimeout: number
} & (
  | {
      /** Path of the library that `npx preresnet build --mpi` makes. Once in a process. */
      readonly library: string
    }
  | {
      /** For tests, ranks within one process: those of one name meet. */
      readonly meeting: string
      readonly rank: number
      readonly ranks: number
      /** Of the moments at which this rank comes to an exchange. @default 0: at once */
      readonly seed?: number
      /** After so many exchanges it stands still, as a stopped process does. @default -1: never */
      readonly stopsAfter?: number
      /** After so many exchanges its engine fails to say and to hear that ranks are there. @default -1: never */
      readonly cutOffAfter?: number
      /** 1: it is open when all of the meeting have come, as with MPI. @default 0 */
      readonly waitsForAll?: 0 | 1
    }
)

/** This process among the ranks of a run. Calls are made by all ranks in the same order. They reject with ERR_RANK soon after a rank has failed, and name it. */
export interface NativeRanks {
  readonly rank: number
  readonly ranks: number
  /** The library that carries the bytes, for people. */
  readonly engine: string
  /** What each rank gives, one after another; all give equally many bytes. */
  gather(bytes: Uint8Array): Promise<Uint8Array>
  /** What rank 0 gives; all give equally many bytes. */
  broadcast(bytes: Uint8Array): Promise<Uint8Array>
  /** What the others say of this rank where it falls silent. */
  doing(what: string): void
  /** Ends the waiting of all others, with this message. */
  fail(message: string): void
  /** Waits until all ranks leave. */
  leave(): Promise<void>
}

/** Versions are CUDA's and cuDNN's own numbers, 0 where there is none. */
export interface CudaInformation {
  readonly builtForRuntime: number
  readonly runtime: number
  readonly driver: number
  readonly builtForCudnn: number
  readonly cudnn: number
  readonly cudnnFrontend: number
  readonly devices: number
  readonly architectures: string
  /** Why no device can be used; empty where one can. */
  readonly problem: string
  readonly device?: {
    readonly name: string
    /** Compute capability: 90 for an H100. */
    readonly architecture: number
    readonly multiprocessors: number
    /** Bytes. */
    readonly memory: number
    readonly available: number
  }
}

export interface NativeBinding {
  readonly version: string
  /** Of contracts.json, equal to ProgramSet.contracts. */
  readonly contracts: number
  /** CPU model, instruction sets, physical and allowed threads, memory; versions of oneDNN, libjpeg-turbo, libpng, libwebp, Highway, compiler. */
  readonly system: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /**
   * What control groups (version 1 or 2) leave to this process: threads, and bytes that can still be had; absent where nothing limits them. `root`: /proc and
   * /sys are looked for below it, for tests.
   */
  cgroupLimits(root: string): { readonly threads?: number; readonly memory?: number }
  /**
   * programs: JSON of a ProgramSet. Verifies it (ERR_PROGRAM) and prepares every operation, on the session's own thread: reading, verifying and
   * creating primitives take tens of milliseconds that the event loop does not have. threads: 0 for what the machine allows. The signal ends it between
   * two operations, with ERR_ABORTED.
   */
  createSession(programs: string, options: SessionSettings, signal?: AbortSignal): Promise<NativeSession>
  /** ERR_DEVICE where the CUDA library is missing or cannot be opened. */
  cuda(index: number): CudaInformation
  /** One device; ERR_DEVICE where there is none that can be used. On a machine without a GPU cuDNN is not loaded for it. */
  cudaDevice(index: number): NonNullable<CudaInformation['device']>
  createLoader(description: LoaderDescription): NativeLoader
  /** What a tar calls the file whose contents are these bytes, in one line; empty where the path is no tar, or has no file there. */
  tarMember(range: { readonly path: string; readonly offset: number; readonly length: number }): string
  /** ERR_DEVICE where MPI is missing or cannot be started. */
  openRanks(description: RanksDescription): Promise<NativeRanks>
  /**
   * Locks the file that a descriptor has open for writing, without waiting: null where another descriptor has it, of this process or another one. The
   * lock outlives the descriptor; it ends by the function that is returned, when that is collected, and with the thread. ERR_UNSUPPORTED where the file
   * system has no locks.
   */
  lockFile(descriptor: number): (() => void) | null
  /** Of a JPEG, PNG or WebP file, by its header alone. ERR_IMAGE for what has none, or more pixels than `maxPixels` (@default 2 ** 28); `name` (@default 'image') stands in it. */
  imageSize(file: Uint8Array, options: { readonly maxPixels?: number; readonly name?: string }): { readonly height: number; readonly width: number }
  /**
   * JPEG, PNG or WebP to RGB (or gray) pixels, NHWC. Resized and cropped as by `DecodeSettings` where height and width are given. The bytes are copied, and decoded on
   * threads for that alone, of large images only some at a time. `begun` is told, before the call returns, what withdraws the image while it waits: the promise
   * is rejected with ERR_ABORTED then.
   */
  decodeImage(
    file: Uint8Array,
    options: Partial<DecodeSettings> & {
      readonly channels: number
      readonly height?: number
      readonly width?: number
      /** What random steps are drawn by. @default 0 */
      readonly seed?: number
      readonly epoch?: number
      readonly sample?: number
      /** As stored. Looked at before anything is decoded. @default 2 ** 28 */
      readonly maxPixels?: number
      /** Stands in errors. @default 'image' */
      readonly name?: string
      /** The bytes are no file, but pixels of that size with `channels`. */
      readonly stored?: { readonly height: number; readonly width: number }
    },
    begun?: (withdraw: () => void) => void,
  ): Promise<{
    readonly pixels: Uint8Array
    readonly height: number
    readonly width: number
    readonly channels: number
    /** That decoding took, without waiting. */
    readonly seconds: number
  }>
  /** RGB or gray pixels to a baseline JPEG file, chroma at half the resolution. ERR_IMAGE for what JPEG cannot hold. */
  encodeJpeg(image: {
    readonly pixels: Uint8Array
    readonly height: number
    readonly width: number
    readonly channels: number
    /** 1 to 100, of libjpeg's tables. */
    readonly quality: number
  }): Promise<Uint8Array>
}
