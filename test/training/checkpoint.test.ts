import { execFile } from 'node:child_process'
import { appendFile, cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { randomCrop } from '../../lib/data/index.js'
import type { SafetensorsTensor } from '../../lib/formats/safetensors.js'
import { classifierHead, conv2d, network } from '../../lib/layers/index.js'
import { listCheckpoints, pruneCheckpoints, publishCheckpoint, removeTemporary, verifyCheckpoint, type Snapshot } from '../../lib/training/checkpoint.js'
import type { Recipe } from '../../lib/training/recipe.js'
import { stateFormat, type CheckpointState } from '../../lib/training/state.js'
import { temporaryDirectory } from '../formats/directory.js'

const net = network({ input: { height: 4, width: 4, channels: 1 }, layers: { stem: conv2d({ channels: 2, kernel: 3 }), head: classifierHead({ classes: 3 }) } })

/** What is absent has its default. */
const recipe = {
  seed: 1,
  batch: 4,
  network: net,
  train: { name: 'digits/train', length: 40, fingerprint: 'abcdef0123456789' },
  prepare: { train: [randomCrop({ pad: 2 })], evaluate: [], normalization: { mean: [0.1], std: [0.3] } },
} as unknown as Recipe

const state = (step: number): Omit<CheckpointState, 'files'> => ({
  format: stateFormat,
  version: '0.0.0',
  step,
  samples: step * 4,
  epoch: Math.floor(step / 10),
  recipe,
  best: null,
  savedAt: '2000-01-01T00:00:00.000Z',
})

function values(data: readonly number[]): ReadonlyMap<string, SafetensorsTensor> {
  return new Map([['w', { dtype: 'F32', shape: [data.length], data: Float32Array.from(data) }]])
}
const snapshot: Snapshot = { model: values([1, 2]), optimizer: values([3, 4]) }
const publish = (directory: string, step: number, tensors: Snapshot = snapshot): Promise<string> =>
  publishCheckpoint(directory, tensors, { network: net }, state(step))

test('a published checkpoint is whole and says what it is', async (t) => {
  const directory = join(await temporaryDirectory(t), 'deep', 'run')
  const path = await publish(directory, 20)
  t.is(path, join(directory, 'step-00000020'))
  t.deepEqual((await readdir(directory)).sort(), ['step-00000020'])
  t.deepEqual((await readdir(path)).sort(), ['model.safetensors', 'optimizer.safetensors', 'state.json'])
  const { files, ...rest } = await verifyCheckpoint(path)
  t.deepEqual(rest, JSON.parse(JSON.stringify(state(20))) as typeof rest)
  t.is(files['model.safetensors']!.bytes, (await readFile(join(path, 'model.safetensors'))).length)
})

test('checkpoints are listed by their steps; nothing else in the directory counts', async (t) => {
  const directory = await temporaryDirectory(t)
  t.deepEqual(await listCheckpoints(join(directory, 'none')), [])
  for (const step of [100_000_000, 20, 3]) await publish(directory, step)
  await mkdir(join(directory, 'step-1'))
  await mkdir(join(directory, '.step-00000030.0123456789ab.tmp'))
  await writeFile(join(directory, 'metrics.jsonl'), '')
  t.deepEqual(
    (await listCheckpoints(directory)).map(({ step }) => step),
    [3, 20, 100_000_000],
  )
})

test('what a killed writer has left is removed, and nothing else', async (t) => {
  const directory = await temporaryDirectory(t)
  const whole = await publish(directory, 10)
  await cp(whole, join(directory, '.step-00000020.0123456789ab.tmp'), { recursive: true })
  await mkdir(join(directory, '.step-00000030.ffffffffffff.tmp'))
  await writeFile(join(directory, '.other.tmp'), '')
  await removeTemporary(directory)
  t.deepEqual((await readdir(directory)).sort(), ['.other.tmp', 'step-00000010'])
  await removeTemporary(join(directory, 'none'))
})

test('the newest stay, and the best', async (t) => {
  const directory = await temporaryDirectory(t)
  for (const step of [10, 20, 30, 40, 50]) await publish(directory, step)
  await pruneCheckpoints(directory, 2, 20)
  t.deepEqual((await readdir(directory)).sort(), ['step-00000020', 'step-00000040', 'step-00000050'])
  await pruneCheckpoints(directory, 1, undefined)
  t.deepEqual(await readdir(directory), ['step-00000050'])
})

for (const [what, tensors, message] of [
  ['parameter', { ...snapshot, model: values([1, NaN]) }, /step 20: parameter w has values that are not finite/],
  ['momentum', { ...snapshot, optimizer: values([Infinity, 1]) }, /the optimizer's state of w/],
] as const) {
  test(`a ${what} that is not finite is never published`, async (t) => {
    const directory = await temporaryDirectory(t)
    await publish(directory, 10)
    await t.throwsAsync(publish(directory, 20, tensors), { code: 'ERR_NOT_FINITE', message })
    t.deepEqual(await readdir(directory), ['step-00000010'])
  })
}

const damages: [string, (path: string) => Promise<void>, RegExp][] = [
  ['a file with another byte', (path) => appendFile(join(path, 'model.safetensors'), 'x'), /model\.safetensors: expected SHA-256/],
  ['a file that is cut off', (path) => truncate(join(path, 'optimizer.safetensors'), 9), /optimizer\.safetensors: expected SHA-256/],
  ['a file that is missing', (path) => rm(join(path, 'model.safetensors')), /no such file/],
  ['a state that is missing', (path) => rm(join(path, 'state.json')), /state\.json: could not read: no such file/],
  ['a state that is cut off', (path) => truncate(join(path, 'state.json'), 40), /not JSON; the checkpoint is damaged/],
  ['a state of another format', (path) => writeFile(join(path, 'state.json'), '{"format":99}'), /expected format 1 or 2, got 99/],
  ['a state without content', (path) => writeFile(join(path, 'state.json'), 'null'), /expected format 1 or 2/],
  ['a state without files', (path) => writeFile(join(path, 'state.json'), '{"format":1,"step":3,"recipe":{}}'), /missing/],
]
for (const [what, damage, message] of damages) {
  test(`found: ${what}`, async (t) => {
    const path = await publish(await temporaryDirectory(t), 20)
    await damage(path)
    const error = await t.throwsAsync(verifyCheckpoint(path), { code: 'ERR_CHECKPOINT', message })
    t.true(error.message.includes(path))
  })
}

test('a checkpoint that fails half-way leaves the one of the same step as it was', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = await publish(directory, 10)
  // JSON has no big integers: the failure comes after both tensor files were written.
  const broken = { ...state(10), samples: 40n as unknown as number }
  await t.throwsAsync(publishCheckpoint(directory, { model: values([5, 6]), optimizer: values([7, 8]) }, { network: net }, broken), { code: 'ERR_CHECKPOINT' })
  t.deepEqual(await readdir(directory), ['step-00000010'])
  t.is((await verifyCheckpoint(path)).samples, 40)
})

test('a file that cannot be written is an error, and earlier checkpoints stay', async (t) => {
  const directory = await temporaryDirectory(t)
  const before = await publish(directory, 10)
  const script = join(directory, 'script.mjs')
  const library = new URL('../../lib/', import.meta.url).href
  await writeFile(
    script,
    `import { publishCheckpoint } from ${JSON.stringify(`${library}training/checkpoint.js`)}
     const data = new Float32Array(1 << 20)
     const tensors = new Map([['w', { dtype: 'F32', shape: [data.length], data }]])
     try {
       await publishCheckpoint(${JSON.stringify(directory)}, { model: tensors, optimizer: tensors }, { network: ${JSON.stringify(net)} }, ${JSON.stringify(state(20))})
       console.log('published')
     } catch ({ code, message }) {
       console.log(code, message)
     }`,
  )
  // No file may grow beyond a mebibyte in this process: writing fails in the middle, as on a full disk.
  const { stdout } = await promisify(execFile)('sh', ['-c', `trap '' XFSZ; ulimit -f 2048; exec "$0" "$1"`, process.execPath, script])
  t.regex(stdout, /^ERR_CHECKPOINT the checkpoint of step 20 could not be written: .*model\.safetensors: could not write: .*earlier ones are untouched/)
  t.deepEqual((await readdir(directory)).sort(), ['script.mjs', 'step-00000010'])
  t.is((await verifyCheckpoint(before)).step, 10)
})
