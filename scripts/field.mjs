// Reads every input of a folder of files from the field, and prints what comes of each beside what is right.
//   npm run field -- FOLDER [EXPECTED]
// EXPECTED is the file of right values, expected.json in the folder or beside it. Ends with status 1 where a row is not right.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { centerCrop, cifar10, imageFolder, imageFolderSplits, loader, resize } from '../dist/lib/index.js'
import { readSafetensors } from '../dist/lib/formats/index.js'
import { main, Stop } from './support/run.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cli = join(root, 'dist/lib/cli/main.js')
const rows = []

await main('field', async () => {
  const { positionals } = parseArgs({ allowPositionals: true })
  const [folder, given] = positionals
  if (folder === undefined) throw new Stop('expected the folder of inputs, got none')
  const file = given ?? [join(folder, 'expected.json'), join(dirname(resolve(folder)), 'expected.json')].find((path) => existsSync(path))
  if (file === undefined) throw new Stop('expected the file of right values as a second word, as there is no expected.json')
  const expected = JSON.parse(readFileSync(file, 'utf8'))
  process.removeAllListeners('warning')
  for (const [name, right] of Object.entries(expected.reduced)) await row(`images/${name}`, describeReduced(right), () => reduced(at(folder, name), right))
  for (const [name, right] of Object.entries(expected.images))
    await row(`images/${name}`, right, () => image(folder, name, right, expected.images.plain.pixels))
  for (const [name, right] of Object.entries(expected.folders)) await row(`folders/${name}`, right, () => dataset(join(folder, 'folders', name), right))
  for (const name of readdirSync(join(folder, 'tensors')).map((each) => basename(each, '.safetensors'))) {
    const right = expected.tensors[name] ?? { x: [0, 1, 2, 3], y: expected.tensors.types[name] }
    await row(`tensors/${name}`, right, () => tensors(join(folder, 'tensors', `${name}.safetensors`), right))
  }
  for (const name of readdirSync(join(folder, 'cifar')))
    await row(`cifar/${name}`, 'read, or an error that gives the reason', () => archive(join(folder, 'cifar', name)))
  await throughTheCommandLine(folder)
  const wrong = rows.filter(({ ok }) => !ok).length
  console.log(`${rows.length - wrong} of ${rows.length} are right`)
  if (wrong > 0) process.exitCode = 1
})

/** `work` gives the outcome and whether it is right; an error of its own is neither. */
async function row(name, right, work) {
  const [ok, got] = await within(60, work()).catch((error) => [false, shown(error)])
  rows.push({ name, ok })
  const short = (value) =>
    (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  console.log(`${ok ? 'ok    ' : 'NOT OK'} ${name.padEnd(24)} got ${cut(short(got))}\n${' '.repeat(32)}expected ${cut(short(right))}`)
}

function cut(text) {
  return text.length > 220 ? `${text.slice(0, 217)}...` : text
}

function shown(error) {
  return `${error.code ?? error.name}: ${error.message}`
}

async function within(seconds, work) {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no answer in ${seconds} s`)), seconds * 1000)))
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function at(folder, name) {
  return join(folder, 'images', name)
}

/** The outcome of work that may fail: what it gives, or its error. */
async function outcome(work) {
  try {
    return { value: await work() }
  } catch (error) {
    return { error, text: shown(error) }
  }
}

async function pixels(directory, input, evaluate = []) {
  const data = await imageFolder(directory)
  const batches = loader(data, { batch: data.length, input, mode: 'evaluate', prepare: { evaluate } })
  try {
    return [...(await batches.next(0)).images]
  } finally {
    await batches.close()
  }
}

function describeReduced({ mean, max }) {
  return `within 1 of the reduced decode, or within ${mean} in the mean and ${max} at most of the whole one`
}

async function reduced(directory, { options: { height, width, channels, resize: side }, whole, reduced: right, mean, max }) {
  const got = await pixels(directory, { height, width, channels }, [resize(side), centerCrop()])
  const differences = (other) => got.map((value, index) => Math.abs(value - other[index]))
  const [near, far] = [differences(right), differences(whole)]
  const average = far.reduce((sum, value) => sum + value, 0) / far.length
  const ok = Math.max(...near) <= 1 || (average <= mean && Math.max(...far) <= max)
  return [ok, `at most ${Math.max(...near)} from the reduced decode, ${average.toFixed(2)} (at most ${Math.max(...far)}) from the whole one`]
}

async function image(folder, name, { pixels: right, as, error: code }, plain) {
  const [side, small] = [
    { height: 33, width: 33, channels: 3 },
    { height: 4, width: 5, channels: 3 },
  ]
  const got = await outcome(() => pixels(at(folder, name), right === undefined ? side : small))
  if (got.error !== undefined) return [got.error.code === code && got.error.message.includes(name), got.text]
  const other = right === undefined ? await pixels(at(folder, 'whole'), side) : right
  const same = code === undefined && got.value.join() === other.join()
  return [same, `${got.value.length} values, ${same ? (right === plain ? 'those of plain' : `those of ${as ?? 'expected.json'}`) : 'others'}`]
}

/** Images of each class. */
function counts({ classes, labels }) {
  const result = {}
  for (const label of labels) result[classes[label]] = (result[classes[label]] ?? 0) + 1
  return result
}

async function dataset(directory, right) {
  const warnings = []
  const hear = ({ message }) => warnings.push(message)
  process.on('warning', hear)
  const got = await outcome(async () => {
    const split = await imageFolderSplits(directory)
    const directories = Object.values(split).map(({ name }) => name)
    for (const path of directories) await pixels(path, { height: 16, width: 16, channels: 3 })
    return split
  })
  await setImmediate()
  process.off('warning', hear)
  if (got.error !== undefined) {
    const words = [...`${right.error ?? ''}`.matchAll(/[\w-]+\/[\w./-]+/g)].map(([word]) => word)
    const said = right.error === undefined ? /UTF-8|\\u/.test(got.text) : words.every((word) => got.error.message.includes(word))
    return [said && /^ERR_/.test(got.text) && got.error.code !== 'ERR_INTERNAL', got.text]
  }
  const { train, validation, test } = got.value
  const summary = { train: counts(train), ...(validation && { validation: counts(validation) }), test: counts(test) }
  const same = (one, other) => other === undefined || JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort())
  const told = [summary, ...warnings]
  if (right.error !== undefined) {
    const folder = /validation with (\w+)/.exec(right.or ?? '')?.[1]
    return [folder !== undefined && validation?.name === join(directory, folder), told]
  }
  const asked = right.and === undefined || warnings.some((message) => message.includes('one class only'))
  return [asked && same(summary.train, right.train) && same(summary.test, right.test), told]
}

async function tensors(path, right) {
  const got = await outcome(() => readSafetensors(path))
  if (got.error !== undefined) return [got.error.code === right.error, got.text]
  const values = Object.fromEntries([...got.value.tensors].map(([name, { data }]) => [name, [...data].map(Number)]))
  const ok = Object.entries(right).every(([name, numbers]) => name === 'or' || numbers === undefined || values[name]?.join() === numbers.join())
  return [right.error === undefined && ok, values]
}

async function archive(path) {
  const got = await outcome(() => cifar10(path))
  const reasons = /without gzip|protocol 5|10,?000 (x 3072|images)|got 1\b/
  return [got.error === undefined || reasons.test(got.error.message), got.text ?? `${got.value.train.length} images`]
}

/** A model, and what needs one. */
async function throughTheCommandLine(folder) {
  const work = mkdtempSync(join(tmpdir(), 'preresnet-field-'))
  const preresnet = (words, { shell = '', env = {} } = {}) => {
    const line = `${shell} exec "$@"`
    return spawnSync('bash', ['-c', line, 'bash', process.execPath, cli, ...words], {
      encoding: 'utf8',
      timeout: 120_000,
      maxBuffer: 1 << 28,
      env: { ...process.env, ...env },
    })
  }
  const net = ['--family', 'cifar', '--depth', '8', '--widths', '16,16,16', '--threads', '1', '--precision', 'fp32']
  try {
    const run = join(work, 'run')
    const model = join(run, 'model.safetensors')
    await row('folders/colours', 'a model', async () => {
      const { status, stderr } = preresnet(['train', ...net, '--data', join(folder, 'folders/colours'), '--batch', '8', '--steps', '24', '--output', run])
      return [status === 0, status === 0 ? 'a model' : stderr]
    })
    await row('many', '600 answers', async () => {
      const images = readdirSync(join(folder, 'many')).map((name) => join(folder, 'many', name))
      const { stdout, stderr } = preresnet(['predict', model, ...images, '--batch', '256', '--json'], { shell: 'ulimit -n 512;' })
      const answers = (stdout.match(/"probability"/g) ?? []).length
      const failed = /EMFILE|"error"/.test(stdout + stderr)
      return [answers >= 600 && !failed, failed ? 'some cannot be read' : `${answers} probabilities of 600 images`]
    })
    await row('folders/control', 'no control character', async () => {
      const control = join(folder, 'folders/control/train/red')
      const { stdout, stderr } = preresnet(['predict', model, ...readdirSync(control).map((name) => join(control, name))])
      return [!(stdout + stderr).includes('\x1b'), stderr.trim().split('\n').at(-1)]
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
