/** What the pickles of the CIFAR archives hold: dictionaries, lists, numbers, texts and one NumPy array of bytes. */
import { elementsOf } from '../formats/tensor_types.js'
import { visibleLine } from '../visible.js'
import { PickleError, PickleGlobal, readPickle, textOf, type PickleRules } from '../pickle.js'

/** A NumPy array of unsigned bytes, row-major. */
export class ByteArray {
  shape: readonly number[] = []
  data: Uint8Array = new Uint8Array()
}

class DType {
  constructor(readonly code: string) {}
}

const ndarray = new PickleGlobal()
const reconstruct = new PickleGlobal(([type]) => (type === ndarray ? new ByteArray() : undefined))
const fromBuffer = new PickleGlobal(([data, type, shape, order]) => fill(new ByteArray(), { shape, type, columnMajor: textOf(order) !== 'C', data }))
const dtype = new PickleGlobal(([code]) => {
  const text = textOf(code)
  return text === undefined ? undefined : new DType(text)
})
const encode = new PickleGlobal(([text, encoding]) =>
  typeof text === 'string' && textOf(encoding) === 'latin1' ? new Uint8Array(Buffer.from(text, 'latin1')) : undefined,
)

const rules: PickleRules = {
  title: 'a pickle of a CIFAR archive',
  // The module of NumPy's core was renamed in NumPy 2.
  globals: new Map([
    ['numpy.core.multiarray._reconstruct', reconstruct],
    ['numpy._core.multiarray._reconstruct', reconstruct],
    ['numpy.core.numeric._frombuffer', fromBuffer],
    ['numpy._core.numeric._frombuffer', fromBuffer],
    ['numpy.ndarray', ndarray],
    ['numpy.dtype', dtype],
    ['_codecs.encode', encode],
  ]),
  // State of an array: version, shape, type, whether column-major, bytes. That of a type is its byte order, which single bytes have not.
  build: (target, state) => {
    if (target instanceof DType) return true
    if (!(target instanceof ByteArray) || !Array.isArray(state) || state.length !== 5) return false
    const [, shape, type, columnMajor, data] = state as unknown[]
    fill(target, { shape, type, columnMajor, data })
    return true
  },
}

/** What one file of an archive holds. Throws ERR_FILE that begins with `name`. */
export const readCifarPickle = (bytes: Uint8Array, name: string): unknown => readPickle(bytes, name, rules)

function fill(target: ByteArray, { shape, type, columnMajor, data }: Readonly<Record<'shape' | 'type' | 'columnMajor' | 'data', unknown>>): ByteArray {
  if (!(type instanceof DType) || type.code !== 'u1')
    throw new PickleError(`expected an array of type u1, got ${type instanceof DType ? visibleLine(type.code.slice(0, 20)) : 'none'}`)
  if (columnMajor !== false && columnMajor !== 0) throw new PickleError('expected a row-major array')
  if (!Array.isArray(shape) || !shape.every((size) => typeof size === 'number') || !(data instanceof Uint8Array))
    throw new PickleError('an array without shape or bytes')
  const expected = elementsOf(shape)
  if (data.length !== expected) throw new PickleError(`expected ${expected} bytes for an array of ${shape.join(' x ')}, got ${data.length}`)
  target.shape = shape
  target.data = data
  return target
}
