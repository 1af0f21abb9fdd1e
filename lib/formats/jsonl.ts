/** JSON lines: one object a line, appended as a run goes on. */
import { open, readFile, type FileHandle } from 'node:fs/promises'
import { PreresnetError } from '../errors.js'
import { readAtMost } from './file_range.js'
import { fileError, replaceFile } from './files.js'

/** A line of a file is one JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Appends lines of JSON to a file. */
export class JsonLinesWriter {
  /** The file has this path. */
  readonly path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /**
   * Opens a file to append to; it is created if it is not there. A last line that was cut off is removed: the next one would become a part
   * of it.
   * @param path - The file's path.
   * @throws ERR_FILE where it cannot be opened.
   */
  static async open(path: string): Promise<JsonLinesWriter> {
    let file
    try {
      file = await open(path, 'a+')
      await endLastLine(file)
      return new JsonLinesWriter(path, file)
    } catch (error) {
      await file?.close()
      throw fileError('could not open', path, error)
    }
  }

  /**
   * Appends a line.
   * @param line - What JSON.stringify writes on one line.
   * @throws ERR_FILE where it cannot be written.
   */
  async write(line: JsonObject): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify(line)}\n`)
    } catch (error) {
      throw fileError('could not write', this.path, error)
    }
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.#file.close()
  }
}

async function endLastLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  if (size === 0 || (await readAtMost(file, size - 1, 1))[0] === NEWLINE) return
  const content = await readAtMost(file, 0, size)
  const begin = content.lastIndexOf(NEWLINE) + 1
  if (isJson(content.toString('utf8', begin))) await file.appendFile('\n')
  else await file.truncate(begin)
}

const NEWLINE = 10

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Reads every line of a file. A last line that was cut off by a crash, with or without a new line after it, is left out.
 * @param path - The file's path.
 * @throws ERR_FILE where the file cannot be read, or a line before the last is malformed.
 */
export async function readJsonLines(path: string): Promise<JsonObject[]> {
  let content
  try {
    content = await readFile(path, 'utf8')
  } catch (error) {
    throw fileError('could not read', path, error)
  }
  const lines = content.trimEnd().split('\n')
  if (!isJson(lines.at(-1)!)) lines.pop()
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as JsonObject
    } catch (cause) {
      throw new PreresnetError('ERR_FILE', `${path}: line ${index + 1} is not JSON`, { cause })
    }
  })
}

/** Keeps the lines that `keep` accepts. */
export async function filterJsonLines(path: string, keep: (line: JsonObject) => boolean): Promise<void> {
  const lines = (await readJsonLines(path)).filter(keep)
  await replaceFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}
