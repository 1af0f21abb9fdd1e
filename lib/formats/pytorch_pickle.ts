/** What `torch.save` makes of a dictionary of tensors: a pickle that names the functions which would put them together, and storages by their keys. */
import { PickleError, PickleGlobal, readPickle, type PickleRules } from '../pickle.js'
import { elementsOf, tensorType, type SafetensorsType } from './tensor_types.js'

/** A run of values of one type, in an entry of its own. */
interface Storage {
  readonly key: string
  readonly dtype: SafetensorsType
  readonly elements: number
  readonly bytes: number
}

/** A view of a storage: nothing of it is read yet. */
export class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  get elements(): number {
    return elementsOf(this.shape)
  }

  /** From the first of its values in the storage to behind the last. */
  get span(): number {
    return this.elements === 0 ? 0 : this.shape.reduce((last, size, dimension) => last + (size - 1) * this.strides[dimension]!, 1)
  }
}

class StorageType extends PickleGlobal {
  constructor(readonly dtype: SafetensorsType) {
    super()
  }
}

class StorageReference {
  constructor(readonly storage: Storage) {}
}

const storageTypes = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  DoubleStorage: 'F64',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
} as const satisfies Readonly<Record<string, SafetensorsType>>

/** Storage, offset, sizes and strides; what follows (whether it wants a gradient, hooks, metadata) says nothing of its values. */
const rebuildTensor = new PickleGlobal(([reference, offset, shape, strides]) =>
  reference instanceof StorageReference ? viewOf(reference.storage, offset, shape, strides) : undefined,
)
const rebuildParameter = new PickleGlobal(([tensor]) => (tensor instanceof StoredTensor ? tensor : undefined))

const rules: PickleRules = {
  title: 'a dictionary of tensors alone',
  globals: new Map<string, PickleGlobal>([
    ['torch._utils._rebuild_tensor_v2', rebuildTensor],
    ['torch._utils._rebuild_tensor', rebuildTensor],
    ['torch._utils._rebuild_parameter', rebuildParameter],
    ['collections.OrderedDict', new PickleGlobal((parameters) => (parameters.length === 0 ? new Map() : undefined))],
    ...Object.entries(storageTypes).map(([name, dtype]) => [`torch.${name}`, new StorageType(dtype)] as const),
  ]),
  remedy: '; nothing of it was run. In Python, save the weights alone: torch.save(model.state_dict(), "weights.pth")',
  // A module's dictionary has an attribute, _metadata.
  build: (target) => target instanceof Map,
  persistent: (id) => {
    const [kind, type, key, , elements] = Array.isArray(id) ? (id as unknown[]) : []
    if (kind !== 'storage' || !(type instanceof StorageType) || typeof key !== 'string') return undefined
    if (!isSize(elements)) throw new PickleError(`storage ${JSON.stringify(key.slice(0, 20))} without a number of elements`)
    return new StorageReference({ key, dtype: type.dtype, elements, bytes: (elements * tensorType(type.dtype)!.bits) / 8 })
  },
}

/** What the pickle describes: dictionaries come as Map, tensors as `StoredTensor`. Throws ERR_FILE that begins with `name`. */
export const readTensorPickle = (bytes: Uint8Array, name: string): unknown => readPickle(bytes, name, rules)

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isSizes = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isSize)

/** A tensor takes no more memory than its storage: whatever repeats values is refused. */
function viewOf(storage: Storage, offset: unknown, shape: unknown, strides: unknown): StoredTensor {
  if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length)
    throw new PickleError('a tensor without offset, sizes and strides that are integers of at least 0')
  const tensor = new StoredTensor(storage, offset, shape, strides)
  const { elements } = tensor
  const end = offset + tensor.span
  const text = `a tensor of shape [${shape.slice(0, 8).join(', ')}]`
  if (elements > storage.elements) throw new PickleError(`${text} of a storage of ${storage.elements} values`)
  if (end > storage.elements) throw new PickleError(`${text} that ends at value ${end} of a storage of ${storage.elements}`)
  return tensor
}
