// ResNet-20 on CIFAR-10 images (a folder of train/CLASS and test/CLASS), 8 epochs, two seeds, by the command line as a user runs it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verdict } from './common.mjs'

const [folder, precision = 'fp32', seeds = '1,2'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: cifar.mjs FOLDER [PRECISION] [SEEDS]')
const cli = fileURLToPath(new URL('../../dist/lib/cli/main.js', import.meta.url))
const runs = []
for (const seed of seeds.split(',')) {
  const output = mkdtempSync(join(tmpdir(), `preresnet-cifar-${seed}-`))
  const recipe =
    '--model preresnet-20 --epochs 8 --batch 128 --learning-rate 0.1 --milestones 1950,2730 --milestone-factor 0.1 --warmup-steps 400 --warmup-rate 0.01 --weight-decay 1e-4 --momentum 0.9 --pad 4 --flip'
  const started = performance.now()
  const child = spawnSync(
    process.execPath,
    [cli, 'train', ...recipe.split(' '), '--data', folder, '--seed', seed, '--precision', precision, '--output', output, '--json'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 },
  )
  if (child.status !== 0) throw new Error(`train exited with ${child.status}`)
  const result = JSON.parse(child.stdout)
  runs.push({ seed: Number(seed), seconds: (performance.now() - started) / 1000, result })
}
const errors = runs.map(({ result }) => 100 * (result.top1Error ?? result.testError ?? result.validation?.top1Error))
const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
verdict({ check: 'ResNet-20 on CIFAR-10', precision, errors, mean, limit: 22.2, runs, passed: mean <= 22.2 })
