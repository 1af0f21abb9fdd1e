/** What is read is not written over by what is made of it. */
import { stat } from 'node:fs/promises'
import { PreresnetError } from '../errors.js'

/** ERR_OPTION where the file to write is the one to read, under whatever names: it could not be made from the new one again. */
export async function checkOtherFile(where: string, input: string, output: string): Promise<void> {
  const [read, written] = await Promise.all([input, output].map((path) => stat(path).catch(() => undefined)))
  if (read?.isFile() !== true || written?.dev !== read.dev || written.ino !== read.ino) return
  throw new PreresnetError('ERR_OPTION', `${where}: expected another file than the one that is read, got ${output}, which is ${input}`)
}
