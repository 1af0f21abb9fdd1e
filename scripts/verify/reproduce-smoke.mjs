// Whether rows of the paper's tables can be trained: `preresnet reproduce --smoke`, in a few steps each. Without files it draws pictures and trains three rows, two on
// small pictures and one on large ones; with them it trains every row, or those that are named.
//   node scripts/verify/reproduce-smoke.mjs [--cifar10 WHAT --imagenet WHAT] [--output FOLDER] [ROW...]
// Needs npm run build. WHAT is what `preresnet train --data` takes.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rgbPng } from '../../dist/test/support/png.js'
import { Stop } from '../support/run.mjs'
import { verdict } from './common.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { values, positionals } = parseArgs({
  options: { cifar10: { type: 'string' }, imagenet: { type: 'string' }, output: { type: 'string' } },
  allowPositionals: true,
})
if ((values.cifar10 === undefined) !== (values.imagenet === undefined)) throw new Stop('expected --cifar10 and --imagenet, or neither, got one of both')
const drawn = values.cifar10 === undefined
const rows = positionals.length > 0 ? positionals : drawn ? ['table-2/e/110', 'table-1/exclusive-gating/-6', 'table-5/152/original/320'] : []
const folder = mkdtempSync(join(tmpdir(), 'preresnet-smoke-'))

/** Stripes, whose direction and color the class gives. */
function picture(width, height, label, index) {
  const pixels = Buffer.alloc(3 * width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const along = x * Math.cos(label) + y * Math.sin(label)
      for (let c = 0; c < 3; c++) pixels[3 * (y * width + x) + c] = Math.round(127.5 + 127.5 * Math.sin(along * (0.2 + 0.1 * label) + index + c * (1 + label)))
    }
  }
  return rgbPng(width, height, pixels)
}

function draw(name, width, height, images) {
  for (const split of ['train', 'test']) {
    for (let index = 0; index < images; index++) {
      const label = index % 4
      const directory = join(folder, name, split, `class${label}`)
      mkdirSync(directory, { recursive: true })
      writeFileSync(join(directory, `${index}.png`), picture(width, height, label, index))
    }
  }
  return join(folder, name)
}

try {
  const cifar10 = values.cifar10 ?? draw('small', 32, 32, 64)
  const imagenet = values.imagenet ?? draw('large', 400, 360, 12)
  const output = values.output ?? join(folder, 'runs')
  const cli = join(root, 'dist/lib/cli/main.js')
  const started = performance.now()
  const { status, stdout } = spawnSync(
    process.execPath,
    [cli, 'reproduce', ...rows, '--smoke', '--data', cifar10, '--imagenet-data', imagenet, '--output', output, '--json'],
    { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const results = status === 0 ? JSON.parse(stdout).results : []
  const reports = results.flatMap(({ runs }) => runs).filter(({ directory }) => existsSync(join(directory, 'report.html'))).length
  const trainings = new Set(results.map(({ training }) => training)).size
  verdict({
    rows: results.length,
    trainings,
    reports,
    seconds: Math.round((performance.now() - started) / 1000),
    passed: status === 0 && results.length > 0 && reports === results.length && (rows.length === 0 || results.length === rows.length),
  })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
