// ResNet-20 on CIFAR-10 as JPEG (quality 75) in fp16, the recipe of scripts/verify/cifar.mjs, three seeds: the mean test error must be that of
// PyTorch's same recipe, 21.2 %, to 0.7 points.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastWords, preresnet } from './processes.mjs'

const RECIPE = [
  '--epochs',
  8,
  '--batch',
  128,
  '--learning-rate',
  0.1,
  '--milestones',
  '1950,2730',
  '--milestone-factor',
  0.1,
  '--warmup-steps',
  400,
  '--warmup-rate',
  0.01,
  '--weight-decay',
  1e-4,
  '--momentum',
  0.9,
  '--pad',
  4,
  '--flip',
]
const PYTORCH = 21.2
const MARGIN = 0.7

export async function training(context) {
  const { cifar, device, emulated, secondsLeft, say, keep } = context
  if (emulated) return { passed: true, leftOut: 'too slow without a GPU' }
  if (cifar === undefined) return { passed: false, leftOut: 'no --cifar FOLDER with train/CLASS/*.jpg and test/CLASS/*.jpg' }
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-training-'))
  const runs = []
  try {
    for (const seed of [1, 2, 3]) {
      const output = join(folder, String(seed))
      const words = [
        'train',
        '--model',
        'preresnet-20',
        '--data',
        cifar,
        ...RECIPE,
        '--seed',
        seed,
        '--device',
        device,
        '--precision',
        'fp16',
        '--output',
        output,
      ]
      const start = performance.now()
      const { status, stderr } = preresnet(context, words, { limit: secondsLeft() })
      if (status !== 0) {
        runs.push({ seed, failed: lastWords(stderr) })
        break
      }
      const { testErrors, testImages } = JSON.parse(readFileSync(join(output, 'result.json'), 'utf8'))
      runs.push({ seed, testError: (100 * testErrors) / testImages, seconds: (performance.now() - start) / 1000 })
      say(`seed ${seed}: ${runs.at(-1).testError.toFixed(2)} % test error`)
      keep({ runs })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const mean = runs.reduce((sum, { testError }) => sum + testError, 0) / runs.length
  return { passed: runs.length === 3 && Math.abs(mean - PYTORCH) <= MARGIN, mean, pytorch: PYTORCH, runs }
}
