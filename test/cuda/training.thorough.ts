/** Training on the emulated CUDA device as a user does it. */
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { digits, loader, randomCrop, subset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import type { SessionOptions } from '../../lib/runtime/session_options.js'
import type { PreresnetError } from '../../lib/errors.js'
import { listCheckpoints } from '../../lib/training/checkpoint.js'
import { fit, type FitOptions, type FitSettings, type Run } from '../../lib/training/index.js'
import { sgd } from '../../lib/training/sgd.js'
import { goldenDirectory, preresnet } from '../cli/run.js'
import { temporaryDirectory } from '../formats/directory.js'
import { someDigits, tiny } from '../training/tiny.js'
import { emulated, type Emulation } from '../../lib/native/emulation.js'

// Small steps: with large ones two runs in fp32 part by more than this after some dozens.
test('a ResNet-8 learns digits in fp16 as the CPU does in fp32, an overflow on the way', async (t) => {
  const { train } = await digits()
  const some = subset(
    train,
    Array.from({ length: 512 }, (_, index) => index * 15),
    'train',
  )
  const network = preResNet({
    family: 'cifar',
    depth: 8,
    block: 'basic',
    shortcut: 'projection',
    widths: [8, 16, 16],
    input: { height: 28, width: 28, channels: 1 },
    classes: 10,
  })
  const steps = 80
  const losses = async (options: Omit<SessionOptions, 'data' | 'batch'>, skipped: number): Promise<Float64Array> => {
    await using data = loader(some, { batch: 32, seed: 1, prepare: { train: [randomCrop({ pad: 2 })] } })
    await using session = await compile(network, { data, seed: 2, optimizer: sgd(), ...options })
    const learningRate = 0.03
    const first = await session.steps(steps / 2, { learningRate })
    const scale = session.lossScale()
    if (scale !== undefined) {
      // The batch after this one is skipped on the CPU by hand, here by an overflow.
      await scale.write([2 ** 40, 2 ** -40, 0, 0, 0, 0, 0, 0])
      const overflow = await session.steps(1, { learningRate })
      t.is(overflow.skippedSteps, skipped)
      await scale.write([1024, 1 / 1024, 0, 0, 1, 0, 0, 0])
    } else session.stepIndex++
    const second = await session.steps(steps / 2, { learningRate })
    return Float64Array.of(...first.losses, ...second.losses)
  }
  const cpu = await losses({ device: 'cpu', precision: 'fp32' }, 0)
  const cuda = await emulated({}, () => losses({ device: 'cuda', precision: 'fp16' }, 1))
  const tenths = (all: Float64Array): number[] =>
    Array.from({ length: steps / 10 }, (_, tenth) => all.subarray(tenth * 10, tenth * 10 + 10).reduce((sum, loss) => sum + loss / 10, 0))
  const [wanted, got] = [tenths(cpu), tenths(cuda)]
  t.true(wanted.at(-1)! < 0.85 * wanted[0]!, wanted.join())
  got.forEach((loss, tenth) => t.true(Math.abs(loss - wanted[tenth]!) < 0.02 * wanted[tenth]!, `ten steps from ${tenth * 10}: ${loss} for ${wanted[tenth]}`))
})

const options = async (more: Partial<FitSettings & { steps: number }> = {}): Promise<FitOptions> => ({
  train: (await someDigits()).train,
  validate: (await someDigits()).test,
  batch: 16,
  steps: 20,
  learningRate: 0.05,
  seed: 3,
  device: 'cuda',
  logEvery: 5,
  ...more,
})

/** `fit` on the emulated device. */
function fitEmulated(options: FitOptions, emulation: Emulation = {}): Run {
  return emulated(emulation, () => fit(tiny(), options))
}

test('a run that was stopped goes on to the same bits, loss scale included', async (t) => {
  const directory = await temporaryDirectory(t)
  const at = (name: string) => ({ directory: join(directory, name), every: 7 })
  const whole = await fitEmulated(await options({ checkpoint: at('whole') })).finished
  await fitEmulated(await options({ checkpoint: at('parts'), steps: 7 })).finished
  // A checkpoint of a run of 7 steps is one of a run of 20 on the way.
  const parts = await fitEmulated(await options({ checkpoint: { ...at('parts'), resume: true } })).finished
  for (const [name, { data }] of whole.tensors) t.deepEqual(parts.tensors.get(name)?.data, data, name)
  const saved = (run: string) => readFile(join(directory, run, 'step-00000020', 'optimizer.safetensors'))
  t.true((await saved('whole')).equals(await saved('parts')))
  const lines = (await readFile(join(directory, 'whole', 'metrics.jsonl'), 'utf8')).trim().split('\n')
  const first = JSON.parse(lines[0]!) as { lossScale?: number; skippedSteps?: number }
  t.is(typeof first.lossScale, 'number')
  t.is(typeof first.skippedSteps, 'number')
})

test('a device that fails ends the run, and what was saved before stays and goes on', async (t) => {
  const directory = await temporaryDirectory(t)
  // A capture without the wait that joins the streams is refused: the first step, launch by launch, is done, the second fails.
  let failed: PreresnetError | undefined
  let path = ''
  for (let omitWait = 0; omitWait < 100 && failed?.code !== 'ERR_DEVICE'; omitWait++) {
    path = join(directory, String(omitWait))
    const more = { checkpoint: { directory: path, every: 1 }, cuda: { lossScale: 256 } }
    failed = await fitEmulated(await options({ steps: 3, ...more }), { omitWait }).finished.then(
      () => undefined,
      (error: unknown) => error as PreresnetError,
    )
  }
  t.is(failed?.code, 'ERR_DEVICE')
  t.deepEqual(
    (await listCheckpoints(path)).map(({ step }) => step),
    [1],
  )
  const resumed = await fitEmulated(await options({ steps: 3, checkpoint: { directory: path, resume: true }, cuda: { lossScale: 256 } })).finished
  t.is(resumed.step, 3)
})

test('a checkpoint is not resumed with another loss scale', async (t) => {
  const directory = await temporaryDirectory(t)
  await fitEmulated(await options({ checkpoint: { directory }, steps: 3 })).finished
  const other = fitEmulated(await options({ checkpoint: { directory, resume: true }, cuda: { lossScale: 64 } })).finished
  await t.throwsAsync(other, { code: 'ERR_CHECKPOINT', message: /cuda\.lossScale: dynamic in fp16, else 1 before, 64 now/ })
})

test('the command line: goldens, bench and what is said where the library is missing', async (t) => {
  const golden = await preresnet(['goldens', goldenDirectory, '--device', 'cuda-emulated', '--precision', 'bf16', '--tier', 'plain'])
  t.is(golden.status, 0, golden.stdout + golden.stderr)
  const elsewhere = await preresnet(['goldens', goldenDirectory, '--device', 'cpu', '--tier', 'plain'])
  t.is(elsewhere.status, 2)
  t.regex(elsewhere.stderr, /--tier: expected none on device cpu/)
  const bench = await preresnet([
    'bench',
    'train',
    'preresnet-20',
    '--device',
    'cuda-emulated',
    '--batch',
    '2',
    '--seconds',
    '0.1',
    '--eager',
    '--loss-scale',
    '1024',
    '--json',
  ])
  t.is(bench.status, 0, bench.stderr)
  t.true((JSON.parse(bench.stdout) as { deviceBytes: number }).deviceBytes > 0)

  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'alone'))
  const addon = join(directory, 'alone', 'preresnet.node')
  await copyFile(process.env['PRERESNET_BINDING'] ?? 'build/Release/preresnet.node', addon)
  for (const [device, remedy] of [
    ['cuda', /build:cuda/],
    ['cuda-emulated', /build:native/],
  ] as const) {
    const missing = await preresnet(['bench', 'train', 'preresnet-20', '--device', device], { env: { PRERESNET_BINDING: addon } })
    t.is(missing.status, 1)
    t.regex(missing.stderr, /ERR_DEVICE.*library of the CUDA executor is missing/)
    t.regex(missing.stderr, remedy)
    t.is(missing.stdout, '')
  }
})

test.serial('kernels that the tuner chose are saved, and taken again by a run that goes on', async (t) => {
  const directory = await temporaryDirectory(t)
  process.env['PRERESNET_CACHE'] = join(directory, 'cache')
  const choices = async (): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const [newest] = (await listCheckpoints(join(directory, 'run'))).slice(-1)
    const { recipe } = JSON.parse(await readFile(join(newest!.path, 'state.json'), 'utf8')) as { recipe: { cuda: { tune?: Record<string, unknown> } } }
    return recipe.cuda.tune
  }
  const checkpoint = { directory: join(directory, 'run'), resume: true }
  await fitEmulated(await options({ steps: 2, checkpoint, cuda: { tune: true } })).finished
  const chosen = await choices()
  t.true(Object.keys(chosen ?? {}).length > 3)
  // The emulated device is not tuned unless asked, so that these can only come from the checkpoint.
  await fitEmulated(await options({ steps: 4, checkpoint })).finished
  t.deepEqual(await choices(), chosen)
})
