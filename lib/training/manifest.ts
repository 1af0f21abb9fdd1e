/** manifest.json: where a run's numbers come from. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { removeTemporaries, replaceFile } from '../formats/files.js'
import { libraryVersion, loadBinding } from '../native/load.js'
import type { Recipe } from './recipe.js'

/** One process that worked on the run. */
interface Stretch {
  readonly startedAt: string
  readonly firstStep: number
  readonly finishedAt?: string
  readonly lastStep?: number
  /** 'running' also in what a killed process has left. */
  readonly outcome: 'running' | 'completed' | 'stopped' | 'failed'
  readonly error?: string
  readonly versions: Readonly<Record<string, unknown>>
  readonly commit: { readonly hash: string; readonly dirty: boolean } | null
  readonly cpu: { readonly model: string; readonly cores: number; readonly memory: number }
  readonly options: Readonly<Record<string, unknown>>
}

/** A run's manifest.json says where its numbers come from. */
export interface Manifest {
  readonly format: 1
  /** Everything that decides the numbers of the run is here. */
  readonly recipe: Recipe
  /** Each process that worked on the run has an entry; the last is the current one. */
  readonly stretches: readonly Stretch[]
}

/** Keeps a run's manifest up to date: written at the start, and again at the end. */
export class ManifestWriter {
  readonly #path: string
  readonly #recipe: Recipe
  readonly #earlier: readonly Stretch[]
  #stretch: Stretch

  private constructor(path: string, recipe: Recipe, earlier: readonly Stretch[], stretch: Stretch) {
    this.#path = path
    this.#recipe = recipe
    this.#earlier = earlier
    this.#stretch = stretch
  }

  static async start(directory: string, recipe: Recipe, firstStep: number, options: Readonly<Record<string, unknown>>): Promise<ManifestWriter> {
    const path = join(directory, 'manifest.json')
    const { version, system } = loadBinding()
    const writer = new ManifestWriter(path, recipe, firstStep === 0 ? [] : await earlierStretches(path), {
      startedAt: new Date().toISOString(),
      firstStep,
      outcome: 'running',
      versions: { preresnet: libraryVersion(), addon: version, node: process.version, ...system },
      commit: await commit(),
      cpu: { model: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memory: totalmem() },
      options,
    })
    await removeTemporaries(path) // The run has the directory to itself.
    await writer.#write()
    return writer
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', lastStep: number, error?: unknown): Promise<void> {
    this.#stretch = {
      ...this.#stretch,
      finishedAt: new Date().toISOString(),
      lastStep,
      outcome,
      ...(error !== undefined && { error: error instanceof Error ? error.message : 'unknown' }),
    }
    await this.#write()
  }

  async #write(): Promise<void> {
    const manifest: Manifest = { format: 1, recipe: this.#recipe, stretches: [...this.#earlier, this.#stretch] }
    await replaceFile(this.#path, `${JSON.stringify(manifest, null, 2)}\n`)
  }
}

async function earlierStretches(path: string): Promise<readonly Stretch[]> {
  try {
    const { stretches } = JSON.parse(await readFile(path, 'utf8')) as Partial<Manifest>
    return Array.isArray(stretches) ? (stretches as readonly Stretch[]) : []
  } catch {
    return [] // A run without a manifest is no reason not to go on.
  }
}

/** Of the directory that the process runs in; null outside of a repository or without git. */
async function commit(): Promise<Stretch['commit']> {
  const git = (...args: string[]): Promise<string | null> =>
    new Promise((resolve) => execFile('git', args, { timeout: 5000 }, (error, out) => resolve(error === null ? out.trim() : null)))
  const hash = await git('rev-parse', 'HEAD')
  return hash === null ? null : { hash, dirty: (await git('status', '--porcelain', '--untracked-files=no')) !== '' }
}
