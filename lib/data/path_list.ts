/** Paths of a million files and more, without a string for each. */
import { join } from 'node:path'
import { bytesOfName, nameOf } from '../name_bytes.js'

/** Paths of files by their numbers. An array of strings is such a list. */
export interface PathList {
  /** The number of files is at least 0. */
  readonly length: number
  /**
   * Gives the path of a file.
   * @param index - The number of the file is from 0 to length - 1; any other gives undefined.
   */
  at(index: number): string | undefined
}

export function pathsOf(files: PathList): string[] {
  return Array.from({ length: files.length }, (_, index) => files.at(index)!)
}

/** As native code takes them. */
export function nativeFiles(files: PathList): PackedPaths | readonly string[] {
  return files instanceof PackedPaths ? files : pathsOf(files)
}

/** Names of files in one folder and the folders within it. */
export class PackedPaths implements PathList {
  /** What stands before each name. */
  readonly prefix: string
  /** Each has a zero byte behind it. */
  readonly names: Uint8Array
  /** Where these zero bytes are. */
  readonly ends: Int32Array

  constructor(directory: string, names: Uint8Array, ends: Int32Array) {
    this.prefix = join(directory, 'x').slice(0, -1)
    this.names = names
    this.ends = ends
  }

  get length(): number {
    return this.ends.length
  }

  at(index: number): string | undefined {
    const name = this.nameAt(index)
    return name === undefined ? undefined : this.prefix + name
  }

  /** As seen from the folder. */
  nameAt(index: number): string | undefined {
    const end = this.ends[index]
    if (end === undefined) return undefined
    const first = index === 0 ? 0 : this.ends[index - 1]! + 1
    return nameOf(Buffer.from(this.names.buffer, this.names.byteOffset + first, end - first))
  }
}

export function packNames(names: readonly string[]): { readonly names: Uint8Array; readonly ends: Int32Array } {
  const parts = names.map((name) => Buffer.from(bytesOfName(`${name}\0`)))
  const ends = new Int32Array(names.length)
  let end = 0
  parts.forEach((part, index) => {
    end += part.length
    ends[index] = end - 1
  })
  return { names: new Uint8Array(Buffer.concat(parts)), ends }
}
