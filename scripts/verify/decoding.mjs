// JPEG to random resized crops of 224 x 224, in images/s: this library's loader, Pillow, and libjpeg-turbo decoding alone, in turn. Kind `packed` is the same crops
// from all photographs as pixels of 256 x 256, which `pack` wrote, beside Pillow on the JPEG files.
//   node scripts/verify/decoding.mjs FOLDER [--workers 1,2,4] [--rounds 20] [--modes exact,scaled] [--kinds 4:2:0,4:4:4,packed] [--python .venv/bin/python]
// FOLDER holds JPEG files, at any depth. Python needs Pillow. The others get the very crops that the loader draws; their mean area stands in the result. Figures of
// files that are read before; the loader reads them anew from the page cache, the others hold them in memory.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { flip, loader, pack, packedDataset, randomResizedCrop } from '../../dist/lib/data/index.js'
import { loadBinding } from '../../dist/lib/native/load.js'
import { randomArea } from '../../dist/test/support/random_crops.js'
import { run as measured } from '../../bench/driver/sides.mjs'
import { median } from '../../bench/driver/statistics.mjs'
import { main, run, Stop } from '../support/run.mjs'
import { datasetOfFiles, photographs, verdict } from './common.mjs'

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

/** In seconds: processes have started and read their files after it. */
const untilReady = 1.5

/**
 * Images/s of so many processes, one for each list, which begin at the same moment: all images over the time until the last one has finished. A sum of the rates of
 * each would count the processor twice that one process had to itself when another had finished.
 */
async function processes(command, args, lists, mode) {
  const start = Date.now() / 1000 + untilReady
  const results = await Promise.all(lists.map((list) => measured({ command, words: [...args, list, mode, String(start)] }, { limit: 3600 })))
  return sum(results.map(({ images }) => images)) / Math.max(...results.map(({ seconds }) => seconds))
}

/** The crops of `ours` in as many rounds for each worker, as lists for as many processes. */
function crops(folder, files, sizes, rounds, workers, seed) {
  const boxes = sizes.map((size, sample) =>
    Array.from({ length: rounds * workers }, (_, round) => randomArea({ seed, epoch: round + 1, sample }, size, [0.08, 1], [3 / 4, 4 / 3])),
  )
  const lists = Array.from({ length: workers }, (_, worker) => {
    const list = join(folder, `list-${worker}`)
    const own = (of) => of.slice(worker * rounds, (worker + 1) * rounds).map(({ left, top, width, height }) => `${left} ${top} ${width} ${height}`)
    writeFileSync(list, files.map((path, index) => `${[path, ...own(boxes[index])].join('\t')}\n`).join(''))
    return list
  })
  const all = boxes.flat()
  return { lists, area: sum(all.map(({ width, height }) => width * height)) / all.length }
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

const pillow = [join(import.meta.dirname, 'decoding/pillow.py')]
const sizesOf = (files) => files.map((path) => loadBinding().imageSize(readFileSync(path), {}))

/** From pixels that `pack` wrote. Pillow reads the JPEG files. */
async function measurePacked({ folder, all, python, rounds: wanted }, workers) {
  const files = all.map((one) => one.path)
  const sizes = sizesOf(files)
  const path = join(folder, 'packed.tar')
  await pack(await datasetOfFiles(files, ['any']), path, { raw: packedSide })
  const dataset = await packedDataset(path)
  const rounds = Math.max(1, Math.round(wanted / turns))
  const results = { ours: [], pillow: [] }
  for (let turn = 0; turn < turns; turn++) {
    // Many more, to last as long.
    results.ours.push(await ours(dataset, 'exact', rounds * least.packed, workers, turn))
    results.pillow.push(await processes(python, pillow, crops(folder, files, sizes, rounds, workers, turn).lists, 'exact'))
  }
  const ratio = median(results.ours.map((rate, turn) => rate / results.pillow[turn]))
  return { kind: 'packed', side: packedSide, workers, ours: median(results.ours), pillow: median(results.pillow), ratio, passed: ratio >= least.packed }
}

/** `all` are the photographs with their kinds; `folder` has the program of libjpeg-turbo. */
async function measure({ folder, all, python, rounds: wanted }, kind, mode, workers) {
  const files = all.filter((one) => one.kind === kind).map(({ path }) => path)
  if (files.length === 0) throw new Stop(`expected JPEG files of kind ${kind}, got only ${[...new Set(all.map((one) => one.kind))].join(', ')}`)
  const sizes = sizesOf(files)
  // As many crops as `rounds` of all photographs, whatever their kind.
  const rounds = Math.max(1, Math.round((wanted * all.length) / files.length / turns))
  const sides = { ours: [], pillow: [], libjpeg: [] }
  const dataset = await datasetOfFiles(files, ['any'])
  const areas = []
  for (let turn = 0; turn < turns; turn++) {
    const { lists, area } = crops(folder, files, sizes, rounds, workers, turn)
    areas.push(area)
    sides.ours.push(await ours(dataset, mode, rounds, workers, turn))
    sides.pillow.push(await processes(python, pillow, lists, mode))
    sides.libjpeg.push(await processes(join(folder, 'libjpeg'), [], lists, mode))
  }
  const rates = Object.fromEntries(Object.entries(sides).map(([name, results]) => [name, median(results)]))
  const ratio = (name) => median(sides.ours.map((rate, turn) => rate / sides[name][turn]))
  const ratios = { pillow: ratio('pillow'), libjpeg: ratio('libjpeg') }
  const passed = ratios.pillow >= least.pillow && ratios.libjpeg >= least.libjpeg
  return { kind, mode, workers, files: files.length, rounds: rounds * turns, ...rates, ratios, area: Math.round(sum(areas) / turns), passed }
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
