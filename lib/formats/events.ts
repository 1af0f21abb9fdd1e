/** TensorBoard event files: records of `Event` messages with scalar summaries. */
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { maskedCrc32c } from './crc32c.js'
import { ProtobufWriter } from './protobuf.js'
import { fileError } from './files.js'

/** The scalars of one step are one record of an event file. */
export interface EventRecord {
  /** The seconds since 1970 are at least 0. */
  readonly wallTime: number
  /** The number of steps done is at least 0. */
  readonly step: number
  /** The values that TensorBoard draws, by their names, can be any number. */
  readonly scalars: Readonly<Record<string, number>>
}

/** One TFRecord: length, its checksum, the data, their checksum. */
function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(16 + data.length)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true)
  record.set(data, 12)
  view.setUint32(12 + data.length, maskedCrc32c(data), true)
  return record
}

function encodeEvent(event: EventRecord): Uint8Array {
  const summary = new ProtobufWriter()
  for (const [tag, value] of Object.entries(event.scalars)) summary.message(1, new ProtobufWriter().string(1, tag).float(2, value))
  return new ProtobufWriter().double(1, event.wallTime).int64(2, event.step).message(5, summary).finish()
}

const fileVersion = (wallTime: number): Uint8Array => new ProtobufWriter().double(1, wallTime).string(3, 'brain.Event:2').finish()

/** A session starts at `step`: readers drop what an earlier, interrupted session wrote from there on. */
const sessionStart = (wallTime: number, step: number): Uint8Array =>
  new ProtobufWriter().double(1, wallTime).int64(2, step).message(7, new ProtobufWriter().int64(1, 1)).finish()

/** Appends to a new event file of a run's directory. */
export class EventFileWriter {
  /** The file has this path. */
  readonly path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /**
   * Makes a new event file.
   * @param directory - The directory has to exist.
   * @param stepsDone - The number of steps that a resumed run had done, at least 0; readers drop what an interrupted run wrote after them.
   * @throws ERR_FILE where the file cannot be made.
   */
  static async create(directory: string, stepsDone: number): Promise<EventFileWriter> {
    const wallTime = Date.now() / 1000
    // Readers take files in the order of their names; a second one in the same second gets a later name.
    for (let attempt = 0; ; attempt++) {
      const path = join(directory, `events.out.tfevents.${Math.floor(wallTime)}.${String(attempt).padStart(3, '0')}.preresnet`)
      try {
        const writer = new EventFileWriter(path, await open(path, 'wx'))
        await writer.#append(fileVersion(wallTime))
        if (stepsDone > 0) await writer.#append(sessionStart(wallTime, stepsDone + 1))
        return writer
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 999) throw fileError('could not create', path, error)
      }
    }
  }

  /**
   * Appends a record.
   * @param event - The step and its scalars.
   * @throws ERR_FILE where it cannot be written.
   */
  async write(event: EventRecord): Promise<void> {
    await this.#append(encodeEvent(event))
  }

  async #append(data: Uint8Array): Promise<void> {
    try {
      await this.#file.appendFile(frameRecord(data))
    } catch (error) {
      throw fileError('could not write', this.path, error)
    }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#file.close()
  }
}
