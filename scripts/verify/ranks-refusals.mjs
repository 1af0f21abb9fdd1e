// Ranks that were started in a wrong way under a real mpirun: each is one line of one rank that says what is wrong, soon, and no process is left.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { main } from '../support/run.mjs'
import { verdict } from './common.mjs'
import { cli, mpiFor, rankProcesses, started, withWork } from './ranks/launching.mjs'

const root = join(import.meta.dirname, '../..')
const { values } = parseArgs({ options: { mpich: { type: 'boolean', default: false }, only: { type: 'string', default: '' } } })
/** Seconds that a refusal may take, from the start of mpirun. */
const MOST_SECONDS = 15

const node = process.execPath
/** What all runs have in common; the output folder names the processes of a run. */
const recipe = [
  'train',
  '--model',
  'preresnet-20',
  '--data',
  'digits',
  '--batch',
  '32',
  '--steps',
  '40',
  '--precision',
  'fp32',
  '--threads',
  '1',
  '--validate-every',
  '1000',
]

/** Gray images of 28 x 28 in two classes, to train and to test. */
async function images(folder, count) {
  const { loadBinding } = await import('../../dist/lib/native/load.js')
  for (const [label, name] of ['train/a', 'train/b', 'test/a', 'test/b'].entries()) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let index = 0; index < count; index++) {
      const pixels = Buffer.alloc(784, (label * 50 + index) % 256)
      writeFileSync(join(folder, name, `${index}.jpg`), await loadBinding().encodeJpeg({ pixels, height: 28, width: 28, channels: 1, quality: 90 }))
    }
  }
  return folder
}

/** The package once more, with one of its files changed. */
function changed(folder, file, change) {
  mkdirSync(folder)
  cpSync(join(root, 'dist/lib'), join(folder, 'dist/lib'), { recursive: true })
  for (const name of ['package.json', 'dist/digits.gz']) cpSync(join(root, name), join(folder, name))
  for (const name of ['build', 'node_modules']) symlinkSync(join(root, name), join(folder, name))
  const text = readFileSync(join(folder, file), 'utf8')
  const other = change(text)
  if (other === text) throw new Error(`nothing was changed in ${file}`)
  writeFileSync(join(folder, file), other)
  return join(folder, 'dist/lib/cli/main.js')
}

/** Each: what stands on the command line of mpirun after its flags, and what the one line says. */
async function cases(work, output) {
  const train = [...recipe, '--output', output]
  const ours = [node, cli, ...train]
  const two = (first, second) => ['-n', '1', ...first, ':', '-n', '1', ...second]
  const [some, more] = [await images(join(work, 'some'), 20), await images(join(work, 'more'), 21)]
  const on = (folder) => [node, cli, ...train.map((word) => (word === 'digits' ? folder : word))]
  const newer = changed(join(work, 'newer'), 'package.json', (text) => text.replace(/"version": "(.*)"/, '"version": "$1-other"'))
  const compiled = changed(join(work, 'compiled'), 'dist/lib/compiler/compile.js', (text) => text.replace('WINOGRAD_DEPTH = 512', 'WINOGRAD_DEPTH = 1'))
  const without = values.mpich ? 'PMI_SIZE' : 'OMPI_COMM_WORLD_SIZE'
  return {
    'other options': [two(ours, [...ours, '--seed', '9']), /rank 1 was started for another run than rank 0: seed: /],
    'another number of steps': [two(ours, [...ours, '--log-every', '3']), /logEvery: \d+ on rank 0, 3 on rank 1/],
    'other data': [two(on(some), on(more)), /train: .* on rank 0, .* on rank 1/],
    'data that one rank has not': [two(on(some), on(join(work, 'nothing'))), /nothing/],
    'another version': [two(ours, [node, newer, ...train]), /version: .* on rank 0, .*-other" on rank 1/],
    'other programs': [two(ours, [node, compiled, ...train]), /rank 1: expected .*, as on rank 0, got /],
    'ranks that do not divide the batch': [['-n', '3', ...ours], /expected a number of ranks that divides the batch \(32\), got 3/],
    'a flag that does not exist': [['-n', '2', ...ours, '--nothing'], /unknown option '--nothing'/],
    'a rank to print that is not there': [['-n', '2', ...ours, '--log-rank', '0,2'], /--log-rank: expected ranks from 0 to 1, got 2/],
    'a device that is not for ranks': [['-n', '2', ...ours, '--device', 'cuda', '--precision', 'fp32'], /cuda/i],
    "half of a launcher's variables": [['-n', '2', 'env', '-u', without, ...ours], new RegExp(`_RANK is set and ${without} is not`)],
    "half of a launcher's variables on one rank": [two(ours, ['env', '-u', without, ...ours]), new RegExp(`_RANK is set and ${without} is not`)],
    'no library for MPI': [['-n', '2', 'env', 'PRERESNET_MPI=/nowhere/preresnet_mpi.so', ...ours], /npx preresnet build --mpi/],
    'no library for MPI on one rank': [two(ours, ['env', 'PRERESNET_MPI=/nowhere/preresnet_mpi.so', ...ours]), /npx preresnet build --mpi/],
    'no addon on one rank': [two(ours, ['env', 'PRERESNET_BINDING=/nowhere/preresnet.node', ...ours]), /the native addon is missing/],
    'doctor: another version': [
      two([node, cli, 'doctor', '--distributed'], [node, newer, 'doctor', '--distributed']),
      /^version +\S+; rank 1 \(.*\): \S+-other.* WRONG$/m,
      'stdout',
    ],
  }
}

main('ranks-refusals', () =>
  withWork('refusals', async (work) => {
    const mpi = mpiFor({ ...values, work })
    const output = join(work, 'run')
    const results = {}
    for (const [name, [words, expected, stream = 'stderr']] of Object.entries(await cases(work, output))) {
      if (!name.includes(values.only)) continue
      const { code, stderr, stdout, seconds, hung } = await started([mpi.mpirun, ...mpi.flags, ...words], {
        env: { PRERESNET_MPI: mpi.library },
        limit: 60_000,
      }).ended
      const lines = stderr.split('\n').filter((line) => line.startsWith('preresnet: '))
      const said = stream === 'stdout' ? stdout : lines.join('\n')
      const passed =
        code !== 0 &&
        !hung &&
        seconds <= MOST_SECONDS &&
        lines.length === (stream === 'stdout' ? 0 : 1) &&
        expected.test(said) &&
        rankProcesses(output).length === 0
      results[name] = passed
      console.error(JSON.stringify({ [name]: passed, code, seconds: Math.round(seconds * 10) / 10, lines: lines.length > 0 ? lines : stderr.slice(-500) }))
    }
    verdict({ mpi: mpi.mpirun, results, passed: Object.values(results).every(Boolean) })
  }),
)
