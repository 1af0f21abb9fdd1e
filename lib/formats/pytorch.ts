/** PyTorch's files: a zip archive of a pickle, data.pkl, and the storages that it names. The pickle is read by a machine that runs nothing. */
import { PreresnetError } from '../errors.js'
import { quoted, visibleLine } from '../visible.js'
import { mostRepeated, openSized, readRange, type SizedFile } from './file_range.js'
import { fileError, malformed } from './files.js'
import { readTensorPickle, StoredTensor } from './pytorch_pickle.js'
import type { SafetensorsTensor } from './safetensors.js'
import { decodeTensor, elementsOf, tensorType, type TensorDescription, type TensorValues } from './tensor_types.js'
import { ZipArchive } from './zip.js'

/** That of ResNet-1001 with the optimizer's state takes 4 MB. */
const largestPickle = 16 << 20

/** A file that is open: what it holds is known, its tensors are read when they are asked for. */
export class PyTorchFile implements AsyncDisposable {
  readonly path: string
  readonly entries: ReadonlyMap<string, TensorDescription>
  readonly #file: SizedFile
  readonly #archive: ZipArchive
  readonly #folder: string
  readonly #tensors: ReadonlyMap<string, StoredTensor>

  private constructor(file: SizedFile, archive: ZipArchive, folder: string, tensors: ReadonlyMap<string, StoredTensor>) {
    this.path = file.path
    this.#file = file
    this.#archive = archive
    this.#folder = folder
    this.#tensors = tensors
    this.entries = new Map([...tensors].map(([name, { storage, shape }]) => [name, { dtype: storage.dtype, shape }]))
  }

  /** Opens a file and reads its directory and its pickle. ERR_FILE where it is missing, truncated or malformed, or holds anything but tensors. */
  static async open(path: string): Promise<PyTorchFile> {
    let file
    try {
      file = await openSized(path)
      const archive = await ZipArchive.open(file)
      const folder = folderOf(path, archive)
      await checkByteOrder(file, archive, folder)
      const pickle = await readEntry(file, archive, `${folder}data.pkl`, largestPickle)
      const tensors = stateOf(path, readTensorPickle(pickle, `${path}: ${visibleLine(folder)}data.pkl`))
      checkStorages(file, archive, folder, tensors)
      return new PyTorchFile(file, archive, folder, tensors)
    } catch (error) {
      await file?.handle.close()
      throw fileError('could not read', path, error)
    }
  }

  /** Reads one tensor, row-major whatever its strides. ERR_PARAMETER where there is none of that name. */
  async read(name: string): Promise<SafetensorsTensor> {
    const tensor = this.#tensors.get(name)
    if (tensor === undefined) throw new PreresnetError('ERR_PARAMETER', `${this.path}: expected a tensor ${JSON.stringify(name)}, got none`)
    const { storage, offset, shape, strides, span } = tensor
    const { begin } = await this.#archive.contents(storageName(this.#folder, storage.key))
    const each = tensorType(storage.dtype)!.bits / 8
    const values = decodeTensor(storage.dtype, await readRange(this.#file, begin + offset * each, span * each))
    return { dtype: storage.dtype, shape, data: rowMajor(values, shape, strides) }
  }

  /** Closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.handle.close()
  }
}

const storageName = (folder: string, key: string): string => `${folder}data/${key}`

/** Everything in an archive lies in one folder, called as the file was. */
function folderOf(path: string, { entries }: ZipArchive): string {
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (pickles.length !== 1)
    throw malformed(
      path,
      `a zip archive, but none that torch.save wrote: expected one entry FOLDER/data.pkl, got ${pickles.length === 0 ? 'none' : pickles.map(quoted).join(' and ')}`,
    )
  const folder = pickles[0]!.slice(0, -'data.pkl'.length)
  if (entries.has(`${folder}constants.pkl`))
    throw malformed(path, 'a TorchScript program, not weights. In Python, save the weights alone: torch.save(torch.jit.load(FILE).state_dict(), "weights.pth")')
  return folder
}

async function readEntry(file: SizedFile, archive: ZipArchive, name: string, most: number): Promise<Uint8Array> {
  const { begin, bytes } = await archive.contents(name)
  if (bytes > most) throw malformed(file.path, `${quoted(name)}: expected at most ${most} bytes, got ${bytes}`)
  return readRange(file, begin, bytes)
}

/** Files of before 2.1 do not say it; they were little-endian everywhere but on machines that are not. */
async function checkByteOrder(file: SizedFile, archive: ZipArchive, folder: string): Promise<void> {
  const name = `${folder}byteorder`
  if (!archive.entries.has(name)) return
  const order = Buffer.from(await readEntry(file, archive, name, 16)).toString('latin1')
  if (order !== 'little') throw malformed(file.path, `${quoted(name)}: expected "little", got ${JSON.stringify(order)}`)
}

/** Where training scripts put the weights beside other things. */
const wrappers = ['state_dict', 'model'] as const
/** What DataParallel and torch.compile put before every name. */
const wrapped = /^(?:module\.|_orig_mod\.)+/

/** The tensors by their names. */
function stateOf(path: string, whole: unknown): ReadonlyMap<string, StoredTensor> {
  if (!(whole instanceof Map)) throw malformed(path, 'expected a dictionary of tensors, as model.state_dict() is, got something else')
  const wrapper = wrappers.find((key) => whole.get(key) instanceof Map)
  const state = wrapper === undefined ? whole : (whole.get(wrapper) as ReadonlyMap<unknown, unknown>)
  const prefix = commonPrefix([...state.keys()])
  const tensors = new Map<string, StoredTensor>()
  for (const [key, value] of state) {
    const where = `${wrapper === undefined ? '' : `${JSON.stringify(wrapper)}: `}${typeof key === 'string' ? quoted(key) : 'a key that is no text'}`
    if (typeof key !== 'string' || !(value instanceof StoredTensor))
      throw malformed(
        path,
        `${where}: expected a tensor, as model.state_dict() has them${wrapper === undefined ? ', alone or within "state_dict" or "model"' : ''}, got something else`,
      )
    tensors.set(key.slice(prefix.length), value)
  }
  return tensors
}

function commonPrefix([first, ...others]: readonly unknown[]): string {
  const prefix = typeof first === 'string' ? (wrapped.exec(first)?.[0] ?? '') : ''
  return others.every((name) => typeof name === 'string' && name.startsWith(prefix)) ? prefix : ''
}

/** Before anything is read: every storage is there as a whole, and what the tensors take altogether is not many times the file. */
function checkStorages({ path, size }: SizedFile, archive: ZipArchive, folder: string, tensors: ReadonlyMap<string, StoredTensor>): void {
  let bytes = 0
  for (const [name, { storage, elements }] of tensors) {
    const entry = storageName(folder, storage.key)
    const found = archive.entries.get(entry)?.bytes
    if (found !== storage.bytes)
      throw malformed(
        path,
        `${quoted(name)}: expected an entry ${quoted(entry)} of ${storage.bytes} bytes (${storage.elements} values of ${storage.dtype}), got ${found === undefined ? 'none' : found}`,
      )
    bytes += (elements * tensorType(storage.dtype)!.bits) / 8
  }
  if (bytes > mostRepeated * size)
    throw malformed(path, `its tensors share storages and take ${bytes} bytes, more than ${mostRepeated} times the file's ${size}`)
}

/** Values in the order of the shape. */
function rowMajor(values: TensorValues, shape: readonly number[], strides: readonly number[]): TensorValues {
  if (values.length === 0 || isRowMajor(shape, strides)) return values
  const count = elementsOf(shape)
  const made = new (values.constructor as new (length: number) => TensorValues)(count)
  const position = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < count; to++) {
    made[to] = values[from]!
    for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
      from += strides[dimension]!
      if (++position[dimension]! < shape[dimension]!) break
      from -= strides[dimension]! * shape[dimension]!
      position[dimension] = 0
    }
  }
  return made
}

/** The stride of a dimension of one value means nothing. */
function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
    if (shape[dimension] !== 1 && strides[dimension] !== expected) return false
    expected *= shape[dimension]!
  }
  return true
}
