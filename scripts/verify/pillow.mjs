// Crops of photographs against Pillow, byte for byte; and how far those of JPEGs that are decoded at a reduced size are from them.
//   node scripts/verify/pillow.mjs FOLDER [--crops 1000] [--python .venv/bin/python]
//   node scripts/verify/pillow.mjs --golden       writes test/fixtures/pillow.json, of the files in test/fixtures
// FOLDER holds JPEG files, at any depth. Python needs Pillow of a version before 13.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadBinding } from '../../dist/lib/native/load.js'
import { goldenCases, settingsOf } from '../../dist/test/support/pillow.js'
import { filesUnder } from '../support/stamp.mjs'
import { Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const { values, positionals } = parseArgs({
  options: { crops: { type: 'string', default: '1000' }, python: { type: 'string', default: '.venv/bin/python' }, golden: { type: 'boolean', default: false } },
  allowPositionals: true,
})

/** The pixels of each case. */
function pillow(cases) {
  const { stdout, stderr, status } = spawnSync(values.python, [join(import.meta.dirname, 'pillow.py')], {
    input: JSON.stringify(cases),
    maxBuffer: 2 ** 31 - 1,
  })
  if (status !== 0) throw new Stop(`Pillow failed: ${stderr}`)
  let at = 0
  return cases.map(({ height, width }) => stdout.subarray(at, (at += height * width * 3)))
}

const decode = async ({ file, ...one }, settings = {}) => (await loadBinding().decodeImage(readFileSync(file), { ...settingsOf(one), ...settings })).pixels

if (values.golden) {
  const folder = join(import.meta.dirname, '../../test/fixtures')
  const pixels = pillow(goldenCases.map((one) => ({ ...one, file: join(folder, one.file) })))
  const cases = goldenCases.map((one, index) => ({ ...one, pixels: pixels[index].toString('base64') }))
  writeFileSync(join(folder, 'pillow.json'), `${JSON.stringify(cases, null, 2)}\n`)
} else {
  const files = filesUnder('/', positionals[0])
    .filter((name) => /\.jpe?g$/i.test(name))
    .map((name) => join('/', name))
  for (const filter of ['bilinear', 'bicubic']) {
    let [different, total, reduced] = [0, 0, 0]
    const count = Number(values.crops)
    for (let first = 0; first < count; first += 250) {
      const cases = Array.from({ length: Math.min(250, count - first) }, (_, index) => {
        const sample = first + index
        return { file: files[sample % files.length], height: 224, width: 224, seed: 1, epoch: 0, sample, filter, area: [0.08, 1], aspect: [3 / 4, 4 / 3] }
      })
      for (const [index, expected] of pillow(cases).entries()) {
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
}
