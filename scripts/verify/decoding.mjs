// JPEG to random resized crops of 224 x 224, in images/s: this library's loader, Pillow, and libjpeg-turbo decoding alone, in turn. Kind `packed` is the same crops
// from all photographs as pixels of 256 x 256, which `pack` wrote, beside Pillow on the JPEG files.
//   node scripts/verify/decoding.mjs FOLDER [--workers 1,2,4] [--rounds 20] [--modes exact,scaled] [--kinds 4:2:0,4:4:4,packed] [--python .venv/bin/python]
// FOLDER holds JPEG files, at any depth. Python needs Pillow. Both sides draw by torchvision's rule, each from its own generator: their mean areas stand in the
// result. Figures of files that are read before; the loader reads them anew from the page cache, the others hold them in memory.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { flip, loader, pack, packedDataset, randomResizedCrop } from '../../dist/lib/data/index.js'
import { wholeFiles } from '../../dist/lib/data/dataset.js'
import { loadBinding } from '../../dist/lib/native/load.js'
import { randomArea } from '../../dist/test/support/random_crops.js'
import { main, run, Stop } from '../support/run.mjs'
import { photographs, verdict } from './common.mjs'

const least = { pillow: 2, libjpeg: 0.75, packed: 8 }
const packedSide = 256
/** A side's share of the rounds at a time. */
const turns = 5

/** As the frame header says it, or another word. */
function kindOf(file) {
  for (let at = 2; at + 4 < file.length; at += 2 + file.readUInt16BE(at + 2)) {
    const marker = file[at + 1]
    if (marker < 0xc0 || marker > 0xc2) continue
    if (file[at + 9] !== 3) return 'other'
    return { 0x11: '4:4:4', 0x21: '4:2:2', 0x22: '4:2:0' }[file[at + 11]] ?? 'other'
  }
  return 'other'
}

const sum = (numbers) => numbers.reduce((total, value) => total + value, 0)
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

function json(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (data) => (text += data))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${command} ended with ${code}`))))
  })
}

/** So many processes at once. */
async function processes(command, args, workers, seed) {
  const results = await Promise.all(Array.from({ length: workers }, (_, index) => json(command, [...args, String(seed * 100 + index)])))
  return { rate: sum(results.map(({ images, seconds }) => images / seconds)), area: sum(results.map(({ area }) => area)) / workers }
}

/** What the loader reads. */
function datasetOf(files) {
  const count = files.length
  return { name: 'photographs', length: count, classes: ['any'], labels: new Int32Array(count), source: wholeFiles(files), fingerprint: '' }
}

/** Images/s. One epoch is one round; of several workers each does as many rounds as a process does. */
async function ours(dataset, mode, rounds, workers, seed) {
  const prepare = { train: [randomResizedCrop({ decode: mode }), flip()], evaluate: [] }
  const batch = 5
  const batches = loader(dataset, { batch, input: { height: 224, width: 224, channels: 3 }, prepare, seed, workers, slots: 4 + 2 * workers })
  const epoch = Math.floor(dataset.length / batch)
  await batches.next(epoch - 1)
  const start = performance.now()
  let left = epoch * rounds * workers
  for await (const { count } of batches.from(epoch)) if ((left -= Math.sign(count)) === 0) break
  const seconds = (performance.now() - start) / 1000
  await batches.close()
  return (epoch * batch * rounds * workers) / seconds
}

/** The mean area of what `ours` cut out. */
function areaOfOurs(sizes, rounds, seed) {
  const areas = sizes.flatMap((size, sample) =>
    Array.from({ length: rounds }, (_, round) => {
      const { height, width } = randomArea({ seed, epoch: round + 1, sample }, size, [0.08, 1], [3 / 4, 4 / 3])
      return height * width
    }),
  )
  return sum(areas) / areas.length
}

const pillowOf = (python, list, mode, rounds) => [python, [join(import.meta.dirname, 'decoding/pillow.py'), list, mode, rounds]]

/** From pixels that `pack` wrote. Pillow reads the JPEG files. */
async function measurePacked({ folder, all, python, rounds: wanted }, workers) {
  const list = join(folder, 'list')
  writeFileSync(list, all.map(({ path }) => path).join('\n') + '\n')
  const path = join(folder, 'packed.tar')
  await pack(datasetOf(all.map((one) => one.path)), path, { raw: packedSide })
  const dataset = await packedDataset(path)
  const rounds = Math.max(1, Math.round(wanted / turns))
  const results = { ours: [], pillow: [] }
  for (let turn = 0; turn < turns; turn++) {
    // Many more, to last as long.
    results.ours.push(await ours(dataset, 'exact', rounds * least.packed, workers, turn))
    results.pillow.push((await processes(...pillowOf(python, list, 'exact', rounds), workers, turn)).rate)
  }
  const ratio = median(results.ours.map((rate, turn) => rate / results.pillow[turn]))
  return { kind: 'packed', side: packedSide, workers, ours: median(results.ours), pillow: median(results.pillow), ratio, passed: ratio >= least.packed }
}

/** `all` are the photographs with their kinds; `folder` has the program of libjpeg-turbo. */
async function measure({ folder, all, python, rounds: wanted }, kind, mode, workers) {
  const files = all.filter((one) => one.kind === kind).map(({ path }) => path)
  if (files.length === 0) throw new Stop(`expected JPEG files of kind ${kind}, got only ${[...new Set(all.map((one) => one.kind))].join(', ')}`)
  const sizes = files.map((path) => loadBinding().imageSize(readFileSync(path), {}))
  const list = join(folder, 'list')
  writeFileSync(list, files.join('\n') + '\n')
  // As many crops as `rounds` of all photographs, whatever their kind.
  const rounds = Math.max(1, Math.round((wanted * all.length) / files.length / turns))
  const sides = { ours: [], pillow: [], libjpeg: [] }
  for (let turn = 0; turn < turns; turn++) {
    sides.ours.push({ rate: await ours(datasetOf(files), mode, rounds, workers, turn), area: areaOfOurs(sizes, rounds * workers, turn) })
    sides.pillow.push(await processes(...pillowOf(python, list, mode, rounds), workers, turn))
    sides.libjpeg.push(await processes(join(folder, 'libjpeg'), [list, mode, rounds], workers, turn))
  }
  const rate = (name) => median(sides[name].map(({ rate }) => rate))
  const ratio = (name) => median(sides.ours.map(({ rate }, turn) => rate / sides[name][turn].rate))
  const areas = Object.fromEntries(Object.entries(sides).map(([name, results]) => [name, Math.round(sum(results.map(({ area }) => area)) / turns)]))
  const spread = Math.max(...Object.values(areas)) / Math.min(...Object.values(areas)) - 1
  const ratios = { pillow: ratio('pillow'), libjpeg: ratio('libjpeg') }
  return {
    kind,
    mode,
    workers,
    files: files.length,
    rounds: rounds * turns,
    ours: rate('ours'),
    pillow: rate('pillow'),
    libjpeg: rate('libjpeg'),
    ratios,
    areas,
    areaSpread: spread,
    passed: ratios.pillow >= least.pillow && ratios.libjpeg >= least.libjpeg && spread <= 0.01,
  }
}

await main('decoding', async () => {
  const { values, positionals } = parseArgs({
    options: {
      workers: { type: 'string', default: '1,2,4' },
      rounds: { type: 'string', default: '20' },
      modes: { type: 'string', default: 'exact,scaled' },
      kinds: { type: 'string', default: '4:2:0,4:4:4,packed' },
      python: { type: 'string', default: '.venv/bin/python' },
    },
    allowPositionals: true,
  })
  const all = photographs(positionals[0]).map((path) => ({ path, kind: kindOf(readFileSync(path)) }))
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-decoding-'))
  try {
    run('g++', ['-O2', '-std=c++20', join(import.meta.dirname, 'decoding/libjpeg.cpp'), '-o', join(folder, 'libjpeg'), '-ljpeg'])
    console.error(`${cpus()[0].model}, ${cpus().length} cores`)
    const settings = { folder, all, python: values.python, rounds: Number(values.rounds) }
    const workerCounts = values.workers.split(',').map(Number)
    for (const kind of values.kinds.split(',')) {
      if (kind === 'packed') for (const workers of workerCounts) verdict(await measurePacked(settings, workers))
      else for (const mode of values.modes.split(',')) for (const workers of workerCounts) verdict(await measure(settings, kind, mode, workers))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
