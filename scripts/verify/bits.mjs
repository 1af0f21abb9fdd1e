// Hashes of everything that a change must not change unless it means to: compiled programs, trained weights, decoded pixels and
// the errors of the golden cases. Run it before and after on one machine and compare the lines; bits of trained weights differ
// between processors, since oneDNN chooses its kernels by them.
//   node scripts/verify/bits.mjs > after.txt && diff before.txt after.txt
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { compilePrograms } from '../../dist/lib/compiler/compile.js'
import { buildGraph } from '../../dist/lib/graph/build.js'
import { unitNames } from '../../dist/lib/models/units.js'
import { completePreparation } from '../../dist/lib/data/prepare/complete.js'
import { cacheInMemory, centerCrop, fit, flip, imageFolder, loader, memoryDataset, preResNet, randomCrop, resize, sgd } from '../../dist/lib/index.js'

const hash = (...parts) =>
  parts
    .reduce((sum, part) => sum.update(part), createHash('sha256'))
    .digest('hex')
    .slice(0, 16)
const say = (kind, name, value) => console.log(`${kind.padEnd(8)} ${value} ${name}`)

/** The same numbers on every machine. */
function bytes(length, seed) {
  const values = new Uint8Array(length)
  for (let index = 0, state = seed; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    values[index] = state >>> 24
  }
  return values
}

const optimizer = { momentum: 0.9, nesterov: false, clipNorm: 0 }
const image = (size) => ({ kind: 'images', height: size, width: size, pad: 4, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] })

async function program(name, network, options) {
  const graph = buildGraph(network)
  const settings = Object.fromEntries(graph.parameters.filter(({ trainable }) => trainable !== false).map(({ name }) => [name, { decay: 1e-4, rate: 1 }]))
  const { height } = network.input
  const set = await compilePrograms(graph, {
    batch: 8,
    programs: ['train', 'evaluate', 'infer'],
    input: image(height),
    loss: { kind: 'crossEntropy', smoothing: 0.1, softTargets: false },
    update: { ...optimizer, settings },
    ...options,
  })
  say('program', name, hash(JSON.stringify({ ...set, contracts: undefined })))
}

async function programs() {
  const targets = [
    ['cpu fp32', { device: 'cpu', precision: 'fp32' }],
    ['cpu bf16-native', { device: 'cpu', precision: 'bf16-native' }],
    ['reference', { device: 'reference', precision: 'fp64' }],
    ['cuda fp16 90', { device: 'cuda', precision: 'fp16', arch: 90 }],
    ['cuda bf16 80', { device: 'cuda', precision: 'bf16', arch: 80, deterministic: true }],
    ['cuda fp32 90', { device: 'cuda', precision: 'fp32', arch: 90 }],
  ]
  const names = ['preresnet-20', 'preresnet-110', 'preresnet-164', 'preresnet-18', 'preresnet-50', 'preresnet-200']
  for (const name of names) {
    for (const [target, options] of targets) await program(`${name} ${target}`, preResNet(name), options)
  }
  for (const unit of unitNames.filter((name) => name !== 'pre-activation')) {
    const network = preResNet({ family: 'cifar', depth: 20, block: 'basic', unit })
    for (const [target, options] of targets) await program(`20 ${unit} ${target}`, network, options)
  }
  const variants = {
    groups: { statisticsGroups: 2 },
    recompute: { activationCheckpointing: 3 },
    direct: { convolution: 'direct' },
    gradient: { inputGradient: true },
  }
  for (const [variant, more] of Object.entries(variants)) {
    for (const [target, options] of targets) await program(`preresnet-164 ${variant} ${target}`, preResNet('preresnet-164'), { ...options, ...more })
  }
}

async function weights() {
  const size = 16
  const input = { height: size, width: size, channels: 3 }
  const images = (count, seed) =>
    memoryDataset({
      images: bytes(count * size * size * 3, seed),
      labels: Int32Array.from(bytes(count, seed + 1), (value) => value % 10),
      height: size,
      width: size,
      channels: 3,
      classes: 10,
    })
  const train = await images(256, 1)
  const networks = {
    basic: { depth: 14, block: 'basic', shortcut: 'option-a' },
    'basic, projections': { depth: 14, block: 'basic', shortcut: 'projection' },
    bottleneck: { depth: 20, block: 'bottleneck' },
    original: { depth: 14, block: 'basic', unit: 'original' },
    'exclusive gating': { depth: 14, block: 'basic', unit: 'exclusive-gating' },
    'dropout shortcut': { depth: 14, block: 'basic', unit: 'dropout-shortcut' },
  }
  for (const [name, description] of Object.entries(networks)) {
    const network = preResNet({ family: 'cifar', classes: 10, input, ...description })
    for (const precision of ['fp32', 'bf16']) {
      const run = fit(network, {
        train,
        validate: await images(64, 9),
        ...preparation,
        batch: 32,
        steps: 12,
        seed: 3,
        device: 'cpu',
        precision,
        statisticsGroups: name === 'bottleneck' ? 2 : 1,
        optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
        learningRate: 0.05,
      })
      const { tensors, validation } = await run.finished
      const values = [...tensors].flatMap(([key, { data }]) => [key, data])
      say('weights', `${name} ${precision}`, hash(...values))
      say('errors', `${name} ${precision}`, String(validation.top1Errors).padEnd(16))
    }
  }
}

const preparation = { prepare: { train: [randomCrop({ pad: 2 }), flip()] } }

/** An 8-bit RGB file. */
function png(width, height, pixels) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.length, 0)
    frame.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const rows = Buffer.concat(Array.from({ length: height }, (_, y) => Buffer.concat([Buffer.of(0), pixels.subarray(y * width * 3, (y + 1) * width * 3)])))
  return Buffer.concat([Buffer.of(137, 80, 78, 71, 13, 10, 26, 10), chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}

/** PNG files of several sizes and the JPEG files of test/fixtures, as batches of training and evaluation. */
async function pixels() {
  const folder = await mkdtemp(join(tmpdir(), 'preresnet-bits-'))
  try {
    for (const [label, sizes] of Object.entries({ a: [40, 41, 57, 64], b: [32, 48, 90, 33] })) {
      await mkdir(join(folder, label))
      for (const [index, size] of sizes.entries()) {
        await writeFile(join(folder, label, `${index}.png`), png(size, size + 7 * index, bytes(size * (size + 7 * index) * 3, size)))
      }
    }
    await mkdir(join(folder, 'c'))
    for (const name of ['gray.jpg', 'progressive.jpg', 'rgb.jpg']) await copyFile(join('test/fixtures', name), join(folder, 'c', name))
    for (const cache of ['memory', 'files']) {
      for (const mode of ['train', 'evaluate']) {
        for (const resize of [undefined, 40]) await batches(folder, cache, mode, resize)
      }
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const input = { height: 32, width: 32, channels: 3 }

async function batches(folder, cache, mode, side) {
  const files = await imageFolder(folder)
  const steps = side === undefined ? {} : { evaluate: [resize(side), centerCrop()] }
  const { evaluate, normalization } = await completePreparation(steps, input, { train: files, workers: 2, signal: undefined })
  const prepare = { evaluate, ...(mode === 'train' && { train: [...evaluate, randomCrop({ pad: 4 }), flip()] }) }
  const dataset = cache === 'memory' ? await cacheInMemory(files, { input, prepare, mode }) : files
  const source = loader(dataset, { batch: 3, input, mode, seed: 5, prepare })
  const parts = []
  for (let index = 0; index < (mode === 'train' ? 6 : 4); index++) {
    const { images, labels, crops } = await source.next(index)
    parts.push(images, new Uint8Array(labels.buffer), new Uint8Array(crops.buffer))
  }
  await source.close()
  say('pixels', `${cache} ${mode} resize ${side ?? 'default'}`, hash(...parts))
  say('pixels', `${cache} ${mode} resize ${side ?? 'default'}: mean and deviation`, hash(JSON.stringify([normalization.mean, normalization.std])))
}

function goldens() {
  for (const [device, precision, more] of [
    ['reference', 'fp64', []],
    ['cpu', 'fp32', []],
    ['cpu', 'fp32', ['--convolution', 'auto']],
    ['cpu', 'bf16', []],
    ['cuda-emulated', 'fp16', []],
  ]) {
    const { stdout, status } = spawnSync(
      process.execPath,
      ['dist/lib/cli/main.js', 'goldens', 'test/goldens', '--json', '--device', device, '--precision', precision, ...more],
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    )
    const errors = JSON.parse(stdout).cases.map(({ case: name, tensor, error }) => `${name} ${tensor} ${error}`)
    say('goldens', `${device} ${precision} ${more.join(' ')} (status ${status})`, hash(errors.join('\n')))
  }
}

await programs()
await weights()
await pixels()
goldens()
