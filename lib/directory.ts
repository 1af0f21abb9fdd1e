/** Making directories. */
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a directory and those above it; resolves with the ones that were not there, the outermost first. Parent by parent: where a directory
 * cannot be made although its parent is there, as in /proc, mkdir with `recursive` tries for ever.
 */
export async function makeDirectory(path: string): Promise<string[]> {
  try {
    return await makeOne(path)
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
    const above = await makeDirectory(parent)
    return [...above, ...(await makeOne(path))]
  }
}

async function makeOne(path: string): Promise<string[]> {
  try {
    await mkdir(path)
    return [path]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(path)).isDirectory()) return []
    throw error
  }
}
