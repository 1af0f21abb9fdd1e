// The paper's rows beside PyTorch: ResNet-20 and 110 of basic units, 29 of bottlenecks, the five placements and the six shortcuts. Both sides train on the same records of
// CIFAR's format, with the same order, start values and dropout masks: batch 32, rate 0.01, momentum 0.9, decay 1e-4, fp32. Asked is
// - that the losses of the first 20 steps are within 1e-3 of PyTorch's in fp32;
// - that over all steps ours are, in the median of the seeds, at most twice as far from PyTorch's in double as PyTorch's in fp32.
//   node scripts/verify/twins.mjs IMAGES [CASE...] [--python FILE] [--seeds 1,2,3] [--steps 100] [--threads 2] [--output FOLDER]
// IMAGES: what train takes as --data. What is in FOLDER is not computed again, so a run that was ended goes on.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openImages } from '../../dist/lib/cli/data_options.js'
import { buildGraph } from '../../dist/lib/graph/build.js'
import { compile, loader, memoryDataset, preResNet, sgd, subset } from '../../dist/lib/index.js'
import { philoxWord } from '../../dist/test/support/philox.js'
import { Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const root = join(import.meta.dirname, '../..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: join(root, '.venv/bin/python') },
    seeds: { type: 'string', default: '1,2,3' },
    steps: { type: 'string', default: '100' },
    threads: { type: 'string', default: '2' },
    output: { type: 'string', default: 'runs/twins' },
  },
})
const [images, ...wanted] = positionals
if (images === undefined) throw new Stop('usage: twins.mjs IMAGES [CASE...]')
const [steps, threads] = [Number(values.steps), Number(values.threads)]
const recipe = { batch: 32, rate: 0.01, momentum: 0.9, weightDecay: 1e-4 }

const basic = (depth, unit, more = {}) => ({ family: 'cifar', depth, block: 'basic', shortcut: 'option-a', unit, classes: 10, ...more })
const cases = {
  'resnet-20': basic(20, 'pre-activation'),
  'resnet-29-bottleneck': { ...basic(29, 'pre-activation'), block: 'bottleneck', shortcut: 'projection' },
  'placement-a': basic(20, 'original'),
  'placement-b': basic(20, 'bn-after-addition'),
  'placement-c': basic(20, 'relu-before-addition'),
  'placement-d': basic(20, 'relu-only-preactivation'),
  'shortcut-constant': basic(20, 'constant-shortcut', { factor: 0.5 }),
  'shortcut-constant-both': basic(20, 'constant-scaling', { factor: 0.5 }),
  'shortcut-exclusive-gating': basic(20, 'exclusive-gating', { gateBias: -6 }),
  'shortcut-only-gating': basic(20, 'shortcut-only-gating', { gateBias: -6 }),
  'shortcut-conv': basic(20, 'conv-shortcut'),
  'shortcut-dropout': basic(20, 'dropout-shortcut', { dropoutRate: 0.5 }),
  'resnet-110': basic(110, 'pre-activation'),
}
const unknown = wanted.find((name) => !(name in cases))
if (unknown !== undefined) throw new Stop(`expected one of ${Object.keys(cases).join(', ')}, got ${unknown}`)

const record = 1 + 3 * 32 * 32
mkdirSync(values.output, { recursive: true })
const records = join(values.output, 'images.bin')
if (!existsSync(records)) await writeRecords(records)
const dataset = await readRecords(records)

const results = []
for (const name of wanted.length > 0 ? wanted : Object.keys(cases)) {
  const runs = []
  for (const seed of values.seeds.split(',').map(Number)) runs.push({ seed, ...(await losses(name, seed)) })
  results.push(judged(name, runs))
  console.error(JSON.stringify(results.at(-1)))
}
verdict({ steps, seeds: values.seeds, results, passed: results.every(({ passed }) => passed) })

/** As many images as the steps take, from all over the training images, in the format of CIFAR's binary archive: a label, then planes of red, green and blue. */
async function writeRecords(path) {
  const { train } = await openImages(images)
  const count = steps * recipe.batch
  const some = subset(
    train,
    Array.from({ length: count }, (_, index) => Math.floor((index * train.length) / count)),
  )
  const batches = loader(some, { input: { height: 32, width: 32, channels: 3 }, mode: 'evaluate', batch: 1, workers: 1 })
  const file = await open(`${path}.part`, 'w')
  let written = 0
  for await (const batch of batches) {
    const bytes = new Uint8Array(record)
    bytes[0] = some.labels[written]
    for (let pixel = 0; pixel < 1024; pixel++)
      for (let channel = 0; channel < 3; channel++) bytes[1 + channel * 1024 + pixel] = batch.images[pixel * 3 + channel]
    await file.write(bytes)
    written++
  }
  await file.close()
  await batches.close()
  if (written !== count) throw new Stop(`expected ${count} images of ${images}, got ${written}`)
  await rename(`${path}.part`, path)
}

function readRecords(path) {
  const bytes = readFileSync(path)
  const count = bytes.length / record
  const pixels = new Uint8Array(count * 3072)
  for (let image = 0; image < count; image++)
    for (let pixel = 0; pixel < 1024; pixel++)
      for (let channel = 0; channel < 3; channel++) pixels[image * 3072 + pixel * 3 + channel] = bytes[image * record + 1 + channel * 1024 + pixel]
  const labels = Int32Array.from({ length: count }, (_, image) => bytes[image * record])
  return memoryDataset({ images: pixels, labels, height: 32, width: 32, channels: 3, classes: 10 })
}

/** Losses of the three sides. */
async function losses(name, seed) {
  const stem = join(values.output, `${name}-${seed}-${steps}`)
  if (existsSync(`${stem}.json`)) return JSON.parse(readFileSync(`${stem}.json`, 'utf8'))
  const network = preResNet(cases[name])
  const { ours, job } = await train(network, seed, stem)
  const side = (precision) => twin({ ...job, network: cases[name], precision })
  const all = { ours, fp32: side('fp32'), fp64: side('fp64') }
  writeFileSync(`${stem}.json`, JSON.stringify(all))
  return all
}

async function train(network, seed, stem) {
  const prepare = { evaluate: [], normalization: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] } }
  const feeding = { batch: recipe.batch, seed, prepare, workers: 1 }
  const order = []
  const batches = loader(dataset, feeding)
  for await (const { indices } of batches.from(0)) if (order.push([...indices]) === steps) break
  await batches.close()
  const data = loader(dataset, feeding)
  const optimizer = sgd({ momentum: recipe.momentum, weightDecay: recipe.weightDecay })
  const session = await compile(network, { device: 'cpu', precision: 'fp32', threads, data, prepare, seed, optimizer, evaluation: false })
  await session.save(`${stem}.safetensors`)
  const ours = []
  for (let step = 0; step < steps; step++) ours.push((await session.steps(1, { learningRate: recipe.rate })).loss)
  await session.dispose()
  await data.close()
  const masks = network.name.endsWith('dropout-shortcut') ? await writeMasks(network, seed, `${stem}.masks`) : null
  const { mean, std } = prepare.normalization
  return { ours, job: { start: `${stem}.safetensors`, images: records, order, masks, mean, std, steps, threads, ...recipe } }
}

/** One byte for each value of each dropout, step by step: 1 where it is kept. */
async function writeMasks(network, seed, path) {
  const dropouts = buildGraph(network).nodes.filter(({ kind }) => kind === 'dropout')
  const file = await open(path, 'w')
  for (let step = 0; step < steps; step++) {
    for (const { stream, rate, shape } of dropouts) {
      const bytes = new Uint8Array(recipe.batch * shape.channels * shape.height * shape.width)
      for (let index = 0; index < bytes.length; index += 4) {
        const words = philoxBlock(seed, step, stream, index / 4)
        for (let word = 0; word < 4; word++) bytes[index + word] = (words[word] >>> 8) / 2 ** 24 >= rate ? 1 : 0
      }
      for (const index of [0, 5, bytes.length - 1])
        if (bytes[index] !== ((philoxWord(seed, step, stream, index) >>> 8) / 2 ** 24 >= rate ? 1 : 0))
          throw new Stop('the fast generator differs from the one of the tests')
      await file.write(bytes)
    }
  }
  await file.close()
  return path
}

/** Philox4x32-10 in 32-bit arithmetic; the tests have it with big integers, which would take hours here. */
function philoxBlock(seed, step, stream, block) {
  let [c0, c1, c2, c3] = [block >>> 0, 0, stream >>> 0, step >>> 0]
  let [k0, k1] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
  for (let round = 0; round < 10; round++) {
    const [leftHigh, leftLow] = [high(0xd2511f53, c0), Math.imul(0xd2511f53, c0) >>> 0]
    const [rightHigh, rightLow] = [high(0xcd9e8d57, c2), Math.imul(0xcd9e8d57, c2) >>> 0]
    ;[c0, c1, c2, c3] = [(rightHigh ^ c1 ^ k0) >>> 0, rightLow, (leftHigh ^ c3 ^ k1) >>> 0, leftLow]
    ;[k0, k1] = [(k0 + 0x9e3779b9) >>> 0, (k1 + 0xbb67ae85) >>> 0]
  }
  return [c0, c1, c2, c3]
}

/** The upper 32 bits of a product of two of 32. */
function high(a, b) {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff]
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0
}

function twin(job) {
  const { stdout, stderr, status } = spawnSync(values.python, [join(root, 'bench/pytorch/twins.py')], { input: JSON.stringify(job), encoding: 'utf8' })
  if (status !== 0) throw new Stop(`${values.python} bench/pytorch/twins.py: ${stderr.slice(-2000)}`)
  return JSON.parse(stdout)
}

/** Distances are root mean squares of the losses' relative differences. */
function judged(name, runs) {
  const relative = (a, b) => a.map((value, index) => Math.abs(value - b[index]) / Math.abs(b[index]))
  const distance = (a, b) => Math.sqrt(relative(a, b).reduce((sum, value) => sum + value * value, 0) / a.length)
  const largest = (pairs) => Math.max(...pairs.map(([a, b]) => Math.max(...relative(a, b).slice(0, 20))))
  const early = largest(runs.map(({ ours, fp32 }) => [ours, fp32]))
  // How far the same steps in fp32 and in double are apart in PyTorch alone.
  const earlyOfPytorch = largest(runs.map(({ fp32, fp64 }) => [fp32, fp64]))
  const each = runs.map(({ seed, ours, fp32, fp64 }) => ({
    seed,
    ours: distance(ours, fp64),
    fp32: distance(fp32, fp64),
    last: [ours, fp32, fp64].map((side) => side.at(-1)),
  }))
  const ratios = each.map(({ ours, fp32 }) => ours / fp32).sort((a, b) => a - b)
  const ratio = ratios[Math.floor(ratios.length / 2)]
  return { name, early, earlyOfPytorch, ratio, each, passed: early <= 1e-3 && ratio <= 2 }
}
