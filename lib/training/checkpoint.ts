/**
 * Checkpoints: one directory each, `step-00001000/`, with model.safetensors, optimizer.safetensors, ema.safetensors where there are moving
 * averages, and state.json. Written under a temporary name, synced and renamed: a directory of the final name is always whole.
 */
import { randomBytes } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PreresnetError } from '../errors.js'
import { fileError, sha256File, syncDirectory, writeDurably } from '../formats/files.js'
import { allFinite, SafetensorsFile, writeSafetensors, type SafetensorsTensor } from '../formats/safetensors.js'
import type { Session } from '../runtime/session.js'
import { makeDirectory } from '../directory.js'
import { modelMetadata, type ModelDescription } from '../runtime/model_file.js'
import { readState, type CheckpointState, type StoredState } from './state.js'

const published = /^step-(\d{8,})$/
const temporary = /^\.step-\d+\.[0-9a-f]+\.tmp$/
const modelFile = 'model.safetensors'
const optimizerFile = 'optimizer.safetensors'
/** Of moving averages, where the run has them. */
const emaFile = 'ema.safetensors'

export interface CheckpointEntry {
  readonly step: number
  readonly path: string
}

/** Tensors of a session by the names that files use. */
export interface Snapshot {
  readonly model: ReadonlyMap<string, SafetensorsTensor>
  readonly optimizer: ReadonlyMap<string, SafetensorsTensor>
  readonly ema?: ReadonlyMap<string, SafetensorsTensor>
}

type Handle = ReturnType<Session['parameter']>

type Handles = { readonly [K in keyof Snapshot]: ReadonlyMap<string, Handle> }

/** Tensors of the model, of the optimizer's state and of moving averages by the names that files use. */
function handles(session: Session): Handles {
  const lossScale = session.lossScale()
  const names = [...session.parameterNames, ...session.bufferNames]
  return {
    model: new Map(names.map((name) => [name, session.parameter(name)])),
    ...(session.hasAverages && { ema: new Map(names.map((name) => [name, session.average(name)])) }),
    optimizer: new Map([
      ...session.optimizerStates.flatMap((state) =>
        // SGD's keep the names that they had before there were others.
        session.trainedNames.map((name) => [state === 'velocity' ? name : `${state}/${name}`, session.optimizerState(name, state)] as const),
      ),
      ...(lossScale === undefined ? [] : [[lossScale.name, lossScale] as const]),
    ]),
  }
}

/** Views where the runtime allows, good until the next step; else copies. */
export async function snapshot(session: Session): Promise<Snapshot> {
  const { model, optimizer, ema } = handles(session)
  const take = async (from: ReadonlyMap<string, Handle>): Promise<Map<string, SafetensorsTensor>> => {
    const taken = new Map<string, SafetensorsTensor>()
    for (const [name, handle] of from) {
      const data = handle.shared ? handle.view() : await handle.read()
      taken.set(name, { dtype: handle.dtype === 'f64' ? 'F64' : 'F32', shape: handle.shape, data })
    }
    return taken
  }
  return { model: await take(model), optimizer: await take(optimizer), ...(ema && { ema: await take(ema) }) }
}

/** Whole checkpoints, by rising step. A directory that is not there has none. */
export async function listCheckpoints(directory: string): Promise<CheckpointEntry[]> {
  let names
  try {
    names = await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw fileError('could not read', directory, error, 'ERR_CHECKPOINT')
  }
  return names
    .flatMap((name) => {
      const match = published.exec(name)
      return match === null ? [] : [{ step: Number(match[1]), path: join(directory, name) }]
    })
    .sort((a, b) => a.step - b.step)
}

/** Removes what writers that were killed have left. */
export async function removeTemporary(directory: string): Promise<void> {
  try {
    for (const name of await readdir(directory)) if (temporary.test(name)) await rm(join(directory, name), { recursive: true, force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError('could not clean up', directory, error, 'ERR_CHECKPOINT')
  }
}

/**
 * Publishes a checkpoint and returns its path. ERR_NOT_FINITE if a value is not a number; ERR_CHECKPOINT if it could not be written.
 * Either way nothing is published, and what was published before stays.
 */
export async function publishCheckpoint(
  directory: string,
  { model, optimizer, ema }: Snapshot,
  description: ModelDescription,
  state: Omit<CheckpointState, 'files'>,
): Promise<string> {
  for (const [kind, tensors] of Object.entries({ parameter: model, "the optimizer's state of": optimizer, ...(ema && { 'the moving average of': ema }) })) {
    for (const [name, { data }] of tensors) {
      if (!(await allFinite(data)))
        throw new PreresnetError('ERR_NOT_FINITE', `step ${state.step}: ${kind} ${name} has values that are not finite; no checkpoint is written`)
    }
  }
  const name = `step-${String(state.step).padStart(8, '0')}`
  const path = join(directory, name)
  const aside = join(directory, `.${name}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await makeDirectory(aside)
    const files = {
      [modelFile]: await writeSafetensors(join(aside, modelFile), model, modelMetadata(description)),
      [optimizerFile]: await writeSafetensors(join(aside, optimizerFile), optimizer, { step: String(state.step) }),
      ...(ema && { [emaFile]: await writeSafetensors(join(aside, emaFile), ema, modelMetadata(description)) }),
    }
    await writeDurably(join(aside, 'state.json'), `${JSON.stringify({ ...state, files }, null, 2)}\n`)
    await syncDirectory(aside)
    await rename(aside, path)
    await syncDirectory(directory)
    return path
  } catch (error) {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined)
    const reason = fileError('could not write', aside, error).message
    throw new PreresnetError('ERR_CHECKPOINT', `the checkpoint of step ${state.step} could not be written: ${reason}; earlier ones are untouched`, {
      cause: error,
    })
  }
}

/** Keeps the newest `keep` and the one of step `best`. */
export async function pruneCheckpoints(directory: string, keep: number, best: number | undefined): Promise<void> {
  const entries = await listCheckpoints(directory)
  for (const { step, path } of entries.slice(0, Math.max(0, entries.length - keep))) {
    if (step === best) continue
    // Renamed first: a removal that is cut off must not leave half a checkpoint under a final name.
    const aside = join(directory, `.step-${step}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      await rename(path, aside)
      await rm(aside, { recursive: true, force: true })
    } catch (error) {
      throw fileError('could not remove', path, error, 'ERR_CHECKPOINT')
    }
  }
}

/** The state of a checkpoint whose files are what they were when it was written; else ERR_CHECKPOINT. */
export async function verifyCheckpoint(path: string): Promise<StoredState> {
  const state = await readState(path)
  for (const name of [modelFile, optimizerFile, ...(emaFile in state.files ? [emaFile] : [])]) {
    let found
    try {
      found = await sha256File(join(path, name))
    } catch (error) {
      throw damaged(path, (error as Error).message, error)
    }
    const wanted = state.files[name]?.sha256
    if (found !== wanted) throw damaged(path, `${name}: expected SHA-256 ${wanted ?? 'in state.json'}, got ${found}`)
  }
  return state
}

/** Writes a checkpoint's values into a session of the same network. */
export async function restoreCheckpoint(session: Session, path: string, state: Pick<StoredState, 'step'>): Promise<void> {
  const { model, optimizer, ema } = handles(session)
  await restore(join(path, modelFile), model)
  await restore(join(path, optimizerFile), optimizer)
  if (ema !== undefined) await restore(join(path, emaFile), ema)
  session.stepIndex = state.step
}

async function restore(path: string, tensors: ReadonlyMap<string, Handle>): Promise<void> {
  const file = await SafetensorsFile.open(path).catch((error: unknown) => {
    throw damaged(path, (error as Error).message, error)
  })
  try {
    for (const [name, tensor] of tensors) {
      const shape = file.entries.get(name)?.shape
      if (shape?.join() !== tensor.shape.join()) {
        throw new PreresnetError(
          'ERR_CHECKPOINT',
          `${path}: ${name}: expected shape [${tensor.shape.join(', ')}], got ${shape === undefined ? 'no such tensor' : `[${shape.join(', ')}]`}`,
        )
      }
      await tensor.write((await file.read(name)).data as Float32Array)
    }
    if (file.entries.size !== tensors.size) throw new PreresnetError('ERR_CHECKPOINT', `${path}: expected ${tensors.size} tensors, got ${file.entries.size}`)
  } finally {
    await file.close()
  }
}

const damaged = (path: string, reason: string, cause?: unknown): PreresnetError =>
  new PreresnetError('ERR_CHECKPOINT', `${path}: the checkpoint is damaged: ${reason}; remove it to resume from an earlier one`, { cause })
