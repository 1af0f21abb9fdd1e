/** Files of tensors by name, whoever wrote them: what a file is, its first bytes say. */
import { openFile } from '../regular_file.js'
import { path as checkPath } from '../options/values.js'
import { readAtMost } from './file_range.js'
import { fileError, malformed } from './files.js'
import { PyTorchFile } from './pytorch.js'
import { SafetensorsFile, type SafetensorsTensor } from './safetensors.js'
import type { TensorDescription } from './tensor_types.js'
import { zipMagic } from './zip.js'

/** A file that is open: it is known what tensors there are, and each is read when it is asked for. */
interface TensorFile extends AsyncDisposable {
  readonly entries: ReadonlyMap<string, TensorDescription>
  read(name: string): Promise<SafetensorsTensor>
}

/** A number that torch.save began its files with before version 1.6, as a pickle. */
const legacyMagic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')

/** Opens a safetensors file, or one of PyTorch's. ERR_FILE where it is missing, truncated or malformed. */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const begin = await firstBytes(path)
  if (begin.length >= 4 && begin.readUInt32LE(0) === zipMagic) return PyTorchFile.open(path)
  if (!begin.equals(legacyMagic)) return SafetensorsFile.open(path)
  const [from, to] = [path, path.replace(/(\.\w+)?$/, '-zip$1')].map((name) => JSON.stringify(name))
  throw malformed(
    path,
    `is in the form that torch.save wrote before version 1.6; rewrite it in Python: torch.save(torch.load(${from}, map_location="cpu", weights_only=True), ${to})`,
  )
}

async function firstBytes(path: string): Promise<Buffer> {
  checkPath('file to read', path)
  try {
    await using file = await openFile(path)
    return await readAtMost(file, 0, legacyMagic.length)
  } catch (error) {
    throw fileError('could not read', path, error)
  }
}
