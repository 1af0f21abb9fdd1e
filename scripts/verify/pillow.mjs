// Crops of photographs against Pillow, byte for byte; and how far those of JPEGs that are decoded at a reduced size are from them.
//   node scripts/verify/pillow.mjs FOLDER [--crops 1000] [--python .venv/bin/python]
//   node scripts/verify/pillow.mjs FOLDER --webp    of the same photographs as WebP, lossy and lossless, which Pillow writes
//   node scripts/verify/pillow.mjs --golden       writes test/fixtures/pillow.json, of the files in test/fixtures
// FOLDER holds JPEG files, at any depth. Python needs Pillow of a version before 13.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadBinding } from '../../dist/lib/native/load.js'
import { goldenCases, settingsOf } from '../../dist/test/support/pillow.js'
import { main, Stop } from '../support/run.mjs'
import { photographs, verdict } from './common.mjs'

function inPython(python, script, input) {
  const { stdout, stderr, status, error } = spawnSync(python, [join(import.meta.dirname, script)], {
    input: JSON.stringify(input),
    maxBuffer: 2 ** 31 - 1,
  })
  if (status !== 0) throw new Stop(`${python}: Pillow failed: ${error?.message ?? stderr}`)
  return stdout
}

/** The pixels of each case. */
function pillow(python, cases) {
  const stdout = inPython(python, 'pillow.py', cases)
  let at = 0
  return cases.map(({ height, width }) => stdout.subarray(at, (at += height * width * 3)))
}

const decode = async ({ file, ...one }, settings = {}) => (await loadBinding().decodeImage(readFileSync(file), { ...settingsOf(one), ...settings })).pixels

/** The file that a test reads. */
function writeGolden(python) {
  const folder = join(import.meta.dirname, '../../test/fixtures')
  const cases = goldenCases.map((one) => ({ ...one, file: join(folder, one.file) }))
  const pixels = pillow(python, cases)
  const golden = goldenCases.map((one, index) => ({ ...one, pixels: pixels[index].toString('base64') }))
  writeFileSync(join(folder, 'pillow.json'), `${JSON.stringify(golden, null, 2)}\n`)
}

/** Every photograph as it is stored, then crops of them. */
async function compareWebP(python, files, count) {
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-webp-'))
  try {
    const written = JSON.parse(inPython(python, 'pillow_webp.py', { files, folder }))
    let different = 0
    for (const { path, pixels } of written) {
      const picture = await loadBinding().decodeImage(readFileSync(path), { channels: 3 })
      if (Buffer.compare(picture.pixels, readFileSync(pixels)) !== 0) different++
    }
    verdict({ check: 'WebP, whole', files: written.length, different, passed: different === 0 })
    const paths = written.map(({ path }) => path)
    for (const filter of ['bilinear', 'bicubic']) await compare(python, paths, filter, count)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function compare(python, files, filter, count) {
  let [different, total, reduced] = [0, 0, 0]
  for (let first = 0; first < count; first += 250) {
    const cases = Array.from({ length: Math.min(250, count - first) }, (_, index) => {
      const sample = first + index
      return { file: files[sample % files.length], height: 224, width: 224, seed: 1, epoch: 0, sample, filter, area: [0.08, 1], aspect: [3 / 4, 4 / 3] }
    })
    for (const [index, expected] of pillow(python, cases).entries()) {
      const exact = await decode(cases[index])
      if (Buffer.compare(exact, expected) !== 0) different++
      const scaled = await decode(cases[index], { scaled: true })
      const difference = scaled.reduce((sum, value, at) => sum + Math.abs(value - expected[at]), 0) / scaled.length
      if (Buffer.compare(scaled, exact) !== 0) reduced++
      total += difference
    }
  }
  const scaled = { reduced, meanDifference: total / count, meanDifferenceOfReduced: reduced === 0 ? 0 : total / reduced }
  verdict({ filter, crops: count, different, scaled, passed: different === 0 && scaled.meanDifference <= 1.2 })
}

await main('pillow', async () => {
  const { values, positionals } = parseArgs({
    options: {
      crops: { type: 'string', default: '1000' },
      python: { type: 'string', default: '.venv/bin/python' },
      golden: { type: 'boolean', default: false },
      webp: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  if (values.golden) return writeGolden(values.python)
  const files = photographs(positionals[0])
  if (values.webp) return compareWebP(values.python, files, Number(values.crops))
  for (const filter of ['bilinear', 'bicubic']) await compare(values.python, files, filter, Number(values.crops))
})
