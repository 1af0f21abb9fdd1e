/** The addon's functions and objects behind wrappers whose errors carry the caller's stack. */
import { markAsUntransferable } from 'node:worker_threads'
import { throwIfAborted } from '../abort.js'
import { emulationNow } from './emulation.js'
import { direct, later } from './errors.js'
import type {
  CorruptSamples,
  CudaInformation,
  HeldBatch,
  InferenceOutput,
  LoaderDescription,
  NativeBinding,
  NativeLoader,
  NativeRanks,
  NativeSession,
  RanksDescription,
  Roofline,
  RunOptions,
  RunResult,
  SessionSettings,
} from './types.js'
import type { SessionMemory, TraceEvent, BytesMoved } from './reports.js'

/** Names of the CUDA library's two builds, which have the same table of functions. */
type CudaLibrary = 'cuda' | 'cuda-emulated'

/** The addon hands out, before it returns, what ends the making of the session. */
export interface Addon extends Omit<NativeBinding, 'createSession' | 'cuda' | 'cudaDevice'> {
  createSession(
    programs: string,
    options: { readonly threads: number; readonly cuda: { readonly library: CudaLibrary; readonly settings: string }; readonly ranks?: NativeRanks },
    begun: (cancel: () => void) => void,
  ): Promise<NativeSession>
  /** Where device `cuda` has its library, and what the error says that helps where it is not there. */
  cudaFile(file: string, remedy: string): void
  cuda(library: CudaLibrary, index: number): CudaInformation
  cudaDevice(library: CudaLibrary, index: number): NonNullable<CudaInformation['device']>
}

/** The library whose device `cuda` is. */
export function cudaLibrary(): CudaLibrary {
  return emulationNow() === undefined ? 'cuda' : 'cuda-emulated'
}

const numbers = new WeakMap<Uint8Array, number>()
let highest = 0

/** A number of these images and no others: a device that has a copy of them knows it by that, whatever loader reads them. */
function numberOf(images: Uint8Array): number {
  let number = numbers.get(images)
  if (number === undefined) numbers.set(images, (number = ++highest))
  return number
}

export class Binding implements NativeBinding {
  readonly version: string
  readonly contracts: number
  readonly system: NativeBinding['system']

  constructor(private readonly addon: Addon) {
    this.version = addon.version
    this.contracts = addon.contracts
    this.system = addon.system
  }

  async createSession(programs: string, { threads, cuda, ranks }: SessionSettings, signal?: AbortSignal): Promise<NativeSession> {
    throwIfAborted(signal)
    // One document for the library, which alone knows its keys.
    const settings = JSON.stringify({ ...cuda, emulation: emulationNow() })
    const native = ranks instanceof RanksCalls ? ranks.native : ranks
    const options = { threads, cuda: { library: cudaLibrary(), settings }, ...(native && { ranks: native }) }
    let cancel = (): void => undefined
    const making = later(async () => new SessionCalls(await this.addon.createSession(programs, options, (given) => (cancel = given))))
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      const session = await making
      if (signal?.aborted === true) await session.dispose()
      throwIfAborted(signal)
      return session
    } catch (error) {
      throwIfAborted(signal)
      throw error
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  cuda(index: number): CudaInformation {
    return direct(() => this.addon.cuda(cudaLibrary(), index))
  }

  cudaDevice(index: number): NonNullable<CudaInformation['device']> {
    return direct(() => this.addon.cudaDevice(cudaLibrary(), index))
  }

  createLoader(description: LoaderDescription): NativeLoader {
    const { source } = description
    // Native workers read this memory: it must not be given to another thread.
    if (source.kind === 'memory' && source.images.buffer instanceof ArrayBuffer) markAsUntransferable(source.images.buffer)
    const given = source.kind === 'memory' ? { ...description, source: { ...source, id: numberOf(source.images) } } : description
    const ended = source.kind === 'custom' ? () => source.ended() : undefined
    return direct(() => new Loader(this.addon.createLoader(given), ended))
  }

  openRanks(description: RanksDescription): Promise<NativeRanks> {
    return later(async () => new RanksCalls(await this.addon.openRanks(description)))
  }

  cgroupLimits(root: string): { readonly threads?: number; readonly memory?: number } {
    return direct(() => this.addon.cgroupLimits(root))
  }

  tarMember(range: Parameters<NativeBinding['tarMember']>[0]): string {
    return direct(() => this.addon.tarMember(range))
  }

  lockFile(descriptor: number): (() => void) | null {
    return direct(() => this.addon.lockFile(descriptor))
  }

  imageSize(...parameters: Parameters<NativeBinding['imageSize']>): ReturnType<NativeBinding['imageSize']> {
    return direct(() => this.addon.imageSize(...parameters))
  }

  decodeImage(...parameters: Parameters<NativeBinding['decodeImage']>): ReturnType<NativeBinding['decodeImage']> {
    return later(() => this.addon.decodeImage(...parameters))
  }

  encodeJpeg(...parameters: Parameters<NativeBinding['encodeJpeg']>): ReturnType<NativeBinding['encodeJpeg']> {
    return later(() => this.addon.encodeJpeg(...parameters))
  }
}

class SessionCalls implements NativeSession {
  /** Buffers already barred from being transferred to another thread, which would take the arena from under the session. */
  private readonly barred = new WeakSet<ArrayBufferLike>()

  constructor(private readonly native: NativeSession) {}

  get memory(): SessionMemory {
    return this.native.memory
  }

  allocate(): Promise<void> {
    return later(() => this.native.allocate())
  }

  read(tensor: string): Promise<Float64Array | Int32Array | Uint8Array> {
    return later(() => this.native.read(tensor))
  }

  readFloats(tensor: string, target: Float32Array): Promise<Float32Array> {
    return later(() => this.native.readFloats(tensor, target))
  }

  write(tensor: string, values: Float64Array | Float32Array | Int32Array | Uint8Array): Promise<void> {
    return later(() => this.native.write(tensor, values))
  }

  writeFloats(tensor: string, values: Float32Array): Promise<void> {
    return later(() => this.native.writeFloats(tensor, values))
  }

  view(tensor: string): { readonly values: Float32Array | Float64Array; readonly shared: boolean } {
    const view = direct(() => this.native.view(tensor))
    if (view.shared && !this.barred.has(view.values.buffer)) {
      markAsUntransferable(view.values.buffer)
      this.barred.add(view.values.buffer)
    }
    return view
  }

  run(program: string, options: RunOptions): Promise<RunResult> {
    const loader = options.loader instanceof Loader ? options.loader.native : options.loader
    const native = loader === undefined ? options : { ...options, loader }
    return later(() => this.native.run(program, native))
  }

  infer(program: string, images: readonly Uint8Array[], outputs: readonly InferenceOutput[]): Promise<void> {
    return later(() => this.native.infer(program, images, outputs))
  }

  share(arena: string): Promise<void> {
    return later(() => this.native.share(arena))
  }

  bytesMoved(program: string): Promise<BytesMoved> {
    return later(() => this.native.bytesMoved(program))
  }

  cancel(): void {
    this.native.cancel()
  }

  measureRoofline(): Promise<Roofline> {
    return later(() => this.native.measureRoofline())
  }

  trace(): readonly TraceEvent[] {
    return this.native.trace()
  }

  dispose(): Promise<void> {
    return later(() => this.native.dispose())
  }
}

class RanksCalls implements NativeRanks {
  readonly rank: number
  readonly ranks: number
  readonly engine: string

  constructor(readonly native: NativeRanks) {
    this.rank = native.rank
    this.ranks = native.ranks
    this.engine = native.engine
  }

  gather(bytes: Uint8Array): Promise<Uint8Array> {
    return later(() => this.native.gather(bytes))
  }

  broadcast(bytes: Uint8Array): Promise<Uint8Array> {
    return later(() => this.native.broadcast(bytes))
  }

  doing(what: string): void {
    direct(() => this.native.doing(what))
  }

  fail(message: string): void {
    direct(() => this.native.fail(message))
  }

  leave(): Promise<void> {
    return later(() => this.native.leave())
  }
}

class Loader implements NativeLoader {
  readonly batch: number
  readonly batches: number
  readonly samples: number
  /** As of sessions' views: another thread would take the slot from under the ring. */
  private readonly barred = new WeakSet<ArrayBufferLike>()

  constructor(
    readonly native: NativeLoader,
    private readonly ended: (() => void) | undefined,
  ) {
    this.batch = native.batch
    this.batches = native.batches
    this.samples = native.samples
  }

  corrupt(): CorruptSamples {
    return direct(() => this.native.corrupt())
  }

  async acquire(index: number): Promise<HeldBatch | null> {
    const held = await later(() => this.native.acquire(index))
    if (held !== null && !this.barred.has(held.images.buffer)) {
      markAsUntransferable(held.images.buffer)
      this.barred.add(held.images.buffer)
    }
    return held
  }

  release(ticket: number): void {
    direct(() => this.native.release(ticket))
  }

  close(): Promise<void> {
    this.ended?.()
    return later(() => this.native.close())
  }
}
