/** Constants of an ONNX graph: weights, shapes. What they claim is compared with what is there before anything is read; external data lie in the file's folder. */
import { realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { FileRange, mostRepeated, openSized, type SizedFile } from '../../formats/file_range.js'
import { malformed } from '../../formats/files.js'
import { decodeTensor, elementsOf, tensorType, type SafetensorsType, type TensorValues } from '../../formats/tensor_types.js'
import { quoted } from '../../visible.js'
import { dataLocations, dataTypes, type OnnxTensor } from './messages.js'

/** By the number of ONNX's type. */
const typeNames: ReadonlyMap<number | undefined, SafetensorsType> = new Map([
  [dataTypes.float, 'F32'],
  [dataTypes.float16, 'F16'],
  [dataTypes.bfloat16, 'BF16'],
  [dataTypes.double, 'F64'],
  [dataTypes.int32, 'I32'],
  [dataTypes.int64, 'I64'],
])

/** Of shapes, axes and the like. */
const mostIntegers = 64

export class Constants implements AsyncDisposable {
  readonly #file: SizedFile
  readonly #tensors = new Map<string, OnnxTensor>()
  /** Of external data, by their paths. */
  readonly #files = new Map<string, SizedFile>()
  /** Bytes that lie in files, and those that were read. */
  #stored: number
  #read = 0

  constructor(file: SizedFile) {
    this.#file = file
    this.#stored = file.size
  }

  add(name: string, tensor: OnnxTensor): void {
    if (this.#tensors.has(name)) throw malformed(this.#file.path, `two constants are called ${quoted(name)}`)
    this.#tensors.set(name, tensor)
  }

  has(name: string | undefined): boolean {
    return name !== undefined && this.#tensors.has(name)
  }

  /** Sizes that are integers of at least 0, and whose product is one too. */
  shape(name: string): readonly number[] {
    const { dims } = this.#tensors.get(name)!
    if (dims.every((size) => Number.isSafeInteger(size) && size >= 0) && Number.isSafeInteger(elementsOf(dims))) return dims
    throw malformed(this.#file.path, `${quoted(name)}: expected a shape of sizes of at least 0, got [${dims.join(', ')}]`)
  }

  /** Floating-point values, in single precision. */
  async floats(name: string): Promise<Float32Array> {
    const values = await this.#values(name)
    if (values instanceof Float32Array) return values
    if (values instanceof Float64Array) return Float32Array.from(values)
    throw malformed(this.#file.path, `${quoted(name)}: expected floating-point values, got integers`)
  }

  /** A few integers. */
  async integers(name: string): Promise<readonly number[]> {
    const values = elementsOf(this.shape(name)) <= mostIntegers ? await this.#values(name) : undefined
    if (values instanceof BigInt64Array || values instanceof Int32Array) return Array.from(values, Number)
    throw malformed(this.#file.path, `${quoted(name)}: expected at most ${mostIntegers} integers, got a tensor of shape [${this.shape(name).join(', ')}]`)
  }

  async #values(name: string): Promise<TensorValues> {
    const tensor = this.#tensors.get(name)!
    const type = typeNames.get(tensor.dataType)
    if (type === undefined)
      throw malformed(
        this.#file.path,
        `${quoted(name)}: expected values of type ${[...typeNames.values()].join(', ')}, got type ${tensor.dataType ?? 'none'} of ONNX`,
      )
    const count = elementsOf(this.shape(name))
    const listed = listedValues(tensor, type)
    if (listed !== undefined) return this.#checked(name, listed, listed.length, count)
    const expected = (count * tensorType(type)!.bits) / 8
    const external = tensor.dataLocation === dataLocations.external ? await this.#external(name, tensor) : undefined
    const range = external ?? tensor.rawData ?? new Uint8Array(0)
    this.#checked(name, range, range.length, expected)
    this.#read += expected
    if (this.#read > mostRepeated * this.#stored)
      throw malformed(this.#file.path, `its nodes share constants and take more than ${mostRepeated} times the ${this.#stored} bytes that there are`)
    return decodeTensor(type, range instanceof Uint8Array ? range.slice() : await range.read())
  }

  #checked<T>(name: string, values: T, got: number, expected: number): T {
    if (got === expected) return values
    throw malformed(this.#file.path, `${quoted(name)}: expected ${expected} bytes or values for a shape of [${this.shape(name).join(', ')}], got ${got}`)
  }

  /** Bytes of another file, which lies in this one's folder whatever links lead to it. */
  async #external(name: string, { externalData }: OnnxTensor): Promise<FileRange> {
    const given = new Map(externalData.map(({ key, value }) => [key, value]))
    const file = await this.#beside(name, given.get('location') ?? '')
    const begin = Number(given.get('offset') ?? 0)
    const bytes = Number(given.get('length') ?? file.size - begin)
    if (Number.isSafeInteger(begin) && Number.isSafeInteger(bytes) && begin >= 0 && bytes >= 0 && begin + bytes <= file.size)
      return new FileRange(file, begin, bytes)
    throw malformed(this.#file.path, `${quoted(name)}: expected external data inside the ${file.size} bytes of ${file.path}, got ${bytes} from ${begin} on`)
  }

  async #beside(name: string, location: string): Promise<SizedFile> {
    const folder = await realpath(dirname(this.#file.path))
    const path = location === '' ? undefined : await realpath(join(folder, location)).catch(() => undefined)
    if (path === undefined || !path.startsWith(folder + sep)) {
      const found = path === undefined ? 'none' : 'one outside'
      throw malformed(this.#file.path, `${quoted(name)}: external data ${quoted(location)}: expected a file in the same folder, got ${found}`)
    }
    let file = this.#files.get(path)
    if (file === undefined) {
      file = await openSized(path)
      this.#files.set(path, file)
      this.#stored += file.size
    }
    return file
  }

  /** Closes the files of external data. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { handle } of this.#files.values()) await handle.close()
  }
}

/** Values that stand in a field of their own instead of as bytes; undefined where there are none. */
function listedValues({ floatData, doubleData, int32Data, int64Data }: OnnxTensor, type: SafetensorsType): TensorValues | undefined {
  if (type === 'F32' && floatData.length > 0) return floatData
  if (type === 'F64' && doubleData.length > 0) return doubleData
  if (type === 'I64' && int64Data.length > 0) return BigInt64Array.from(int64Data, BigInt)
  if (int32Data.length === 0) return undefined
  if (type === 'I32') return Int32Array.from(int32Data)
  // The bits of half precision, one in each integer.
  if (type === 'F16' || type === 'BF16') return decodeTensor(type, new Uint8Array(Uint16Array.from(int32Data).buffer))
  return undefined
}
