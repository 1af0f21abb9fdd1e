/** A whole working day on the command line: train, stop, resume, evaluate, predict, report. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { memoryDataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { compile } from '../../lib/runtime/compile.js'
import { classes, image, writeImageFolder } from './image_folder.js'
import { mainFile, preresnet } from './run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-train-'))
const at = (name: string) => join(folder, name)
test.before(() => writeImageFolder(at('images'), 24, 8))
test.after.always(() => rm(folder, { recursive: true, force: true }))

const network = ['--family', 'cifar', '--depth', '8', '--widths', '16,16,16']
const recipe = [...network, '--batch', '12', '--no-flip', '--pad', '1', '--learning-rate', '0.05', '--log-every', '4', '--threads', '1']
const train = (output: string, ...words: string[]): string[] => ['train', ...recipe, '--data', at('images'), '--output', at(output), ...words]

interface Result {
  readonly outcome: string
  readonly steps: number
  readonly testImages: number
  readonly trainImages: number
  readonly testErrors: number
  readonly top1Accuracy: number
  readonly top5Accuracy: number
  readonly confusion: { readonly classes: readonly string[]; readonly counts: readonly (readonly number[])[] }
}

const json = async <T>(...path: string[]): Promise<T> => JSON.parse(await readFile(join(folder, ...path), 'utf8')) as T
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

test.serial('train: progress in lines, a model, a result', async (t) => {
  const { status, stdout, stderr } = await preresnet(train('first', '--steps', '30', '--checkpoint-every', '10'))
  t.is(status, 0, stderr)
  t.is(stdout, `${at('first/model.safetensors')}\n`)
  t.false(stderr.includes('\u001b'), 'no escape sequences where there is no terminal')
  const line = stderr.split('\n').find((text) => text.startsWith('step 4/30 '))!
  for (const part of [
    /epoch 0\.67/,
    /\d+ images\/s/,
    /waiting for data \d+ %/,
    /loss \d\.\d{4}/,
    /top-1 accuracy \d+\.\d\d %/,
    /rate 0\.05/,
    /\d+ s left/,
    /\d+ MiB/,
  ])
    t.regex(line, part)
  t.regex(stderr, /^step 30 +test error \S+ %.* test accuracy \S+ % +top-5 error \S+ % +top-5 accuracy \S+ %/m)
  t.regex(stderr, /^completed at step 30 /m)
  const result = await json<Result>('first', 'result.json')
  t.like(result, { outcome: 'completed', steps: 30, trainImages: 72, testImages: 24 })
  t.deepEqual(result.confusion.classes, [...classes].sort())
  t.is(sum(result.confusion.counts.flat()), 24)
  t.is(24 - sum(result.confusion.counts.map((row, label) => row[label]!)), result.testErrors)
  t.is(result.top1Accuracy, (24 - result.testErrors) / 24)
  t.is(result.top5Accuracy, 1)
  t.true(result.testErrors <= 4, `${result.testErrors} of 24 wrong`)
  const names = await readdir(at('first'))
  for (const name of ['manifest.json', 'metrics.jsonl', 'model.safetensors', 'step-00000030']) t.true(names.includes(name), name)
})

test.serial('a second run does not write over the first', async (t) => {
  const { status, stderr } = await preresnet(train('first', '--steps', '30'))
  t.is(status, 1)
  t.regex(stderr, /ERR_CHECKPOINT: .*first: holds checkpoints.*--resume/)
})

test.serial('the same images in two tars', async (t) => {
  for (const split of ['train', 'test']) await promisify(execFile)('tar', ['-cf', at(`${split}.tar`), '-C', at(`images/${split}`), '.'])
  const { status, stdout, stderr } = await preresnet(['eval', at('first/model.safetensors'), '--data', `tar:${at('train.tar')},${at('test.tar')}`, '--json'])
  t.is(status, 0, stderr)
  const { testErrors, confusion } = await json<Result>('first', 'result.json')
  t.like(JSON.parse(stdout), { samples: 24, top1Errors: testErrors, confusion })
  const alone = await preresnet(['eval', at('first/model.safetensors'), '--data', `tar:${at('test.tar')}`])
  t.is(alone.status, 2)
  t.regex(alone.stderr, /--data: expected tar:TRAIN,TEST \(two sets of images\), got tar:/)
})

test.serial('a longer run is told what keeps its rates', async (t) => {
  const { status, stderr } = await preresnet(train('first', '--steps', '60', '--resume'))
  t.is(status, 1)
  t.regex(stderr, /milestones 15,22 before, 30,45 now; .*--milestones 15,22/)
})

test.serial('eval gives what training gave, on any batch', async (t) => {
  const { status, stdout, stderr } = await preresnet(['eval', at('first/model.safetensors'), '--data', at('images'), '--batch', '7', '--json'])
  t.is(status, 0, stderr)
  const { testErrors, confusion } = await json<Result>('first', 'result.json')
  const evaluation = JSON.parse(stdout) as { samples: number; top1Errors: number; top5Errors: number; confusion: Result['confusion'] }
  t.like(evaluation, { samples: 24, top1Errors: testErrors, top5Errors: 0, top1Accuracy: (24 - testErrors) / 24, top5Accuracy: 1 })
  t.deepEqual(evaluation.confusion, confusion)
  const text = await preresnet(['eval', at('first/model.safetensors'), '--data', at('images'), '--split', 'train'])
  t.regex(text.stdout, /train: \d+ of 72 wrong/)
  t.regex(text.stdout, /label \\ predicted +left +right +upper/)
})

test.serial('options of a GPU are refused on the CPU', async (t) => {
  const model = at('first/model.safetensors')
  for (const words of [
    ['eval', model, '--data', at('images')],
    ['predict', model, at('left.png')],
  ]) {
    for (const option of [['--cuda-index', '0'], ['--resident-limit', '0'], ['--deterministic']]) {
      const { status, stderr } = await preresnet([...words, '--device', 'cpu', ...option])
      t.not(status, 0)
      t.regex(stderr, /cuda: expected none on device cpu/)
    }
  }
})

test.serial('eval refuses images of other classes', async (t) => {
  const { status, stderr } = await preresnet(['eval', at('first/model.safetensors'), '--data', 'digits'])
  t.is(status, 1)
  t.regex(stderr, /ERR_DATASET: digits\/test: expected the classes of the model \(left, right, upper\), got 0, 1/)
})

test.serial('predict: images on the command line to classes', async (t) => {
  for (const name of classes) await writeFile(at(`${name}.png`), image(name, 5000))
  const words = ['predict', at('first/model.safetensors'), ...classes.map((name) => at(`${name}.png`))]
  const { status, stdout, stderr } = await preresnet([...words, '--json'])
  t.is(status, 0, stderr)
  const answers = JSON.parse(stdout) as { image: string; classes: { label: string; index: number; probability: number }[] }[]
  t.deepEqual(
    answers.map(({ image: path, classes: [best] }) => [path, best!.label]),
    classes.map((name) => [at(`${name}.png`), name]),
  )
  for (const answer of answers) {
    t.true(Math.abs(sum(answer.classes.map(({ probability }) => probability)) - 1) < 1e-5)
    for (const { label, index } of answer.classes) t.is([...classes].sort()[index], label as (typeof classes)[number])
  }
  const text = await preresnet([...words, '--top', '1'])
  t.is(text.stdout.trimEnd().split('\n').length, 4)
})

test.serial('a file that predict cannot read costs its own answer only', async (t) => {
  await writeFile(at('text.jpg'), 'no picture')
  const images = [at('text.jpg'), at('left.png'), at('missing.png')]
  const words = ['predict', at('first/model.safetensors'), ...images, '--top', '1']
  const { status, stdout, stderr } = await preresnet(words)
  t.is(status, 1)
  const [bad, missing, ...rest] = stderr.split('\n')
  t.is(bad!.replace(/, got .*/, ''), `preresnet: ERR_IMAGE: ${at('text.jpg')}: expected a JPEG, PNG or WebP file`)
  t.is(missing, `preresnet: ERR_FILE: ${at('missing.png')}: cannot be read (ENOENT)`)
  t.deepEqual(rest, [''])
  t.regex(stdout, /^image +class +probability\n\S+left\.png +left +\d+\.\d+ %\n$/)

  const asJson = await preresnet([...words, '--json'])
  t.is(asJson.status, 1)
  t.is(asJson.stderr, '')
  const answers = JSON.parse(asJson.stdout) as { image: string; classes?: { label: string }[]; error?: { code: string; message: string } }[]
  t.deepEqual(
    answers.map(({ image: path, classes: found, error }) => [path, found?.[0]?.label ?? error?.code]),
    [
      [at('text.jpg'), 'ERR_IMAGE'],
      [at('left.png'), 'left'],
      [at('missing.png'), 'ERR_FILE'],
    ],
  )
  t.is(answers[2]!.error!.message, `${at('missing.png')}: cannot be read (ENOENT)`)

  const none = await preresnet(['predict', at('first/model.safetensors'), at('text.jpg')])
  t.is(none.status, 1)
  t.is(none.stdout, '')
})

test.serial('predict takes more images than there may be open files', async (t) => {
  const images = new Array<string>(600).fill('left.png')
  const words = [mainFile, 'predict', 'first/model.safetensors', ...images, '--top', '1', '--json', '--batch', '256']
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 200; exec "$@"', 'sh', process.execPath, ...words], { cwd: folder })
  const answers = JSON.parse(stdout) as { classes: { label: string }[] }[]
  t.deepEqual(
    answers.map(({ classes: [best] }) => best!.label),
    images.map(() => 'left'),
  )
})

test.serial('predict prints the number of a class without a name', async (t) => {
  const input = { height: 12, width: 12, channels: 3 }
  const data = await memoryDataset({ images: new Uint8Array(12 * 12 * 3), labels: [0], ...input, classes: ['left', 'right'] })
  await using session = await compile(preResNet({ family: 'cifar', depth: 8, classes: 4, input }), {
    data,
    prepare: {},
    batch: 1,
    threads: 1,
    precision: 'fp32',
  })
  await session.save(at('nameless.safetensors'))
  const words = ['predict', at('nameless.safetensors'), at('left.png'), '--top', '7']
  const { status, stdout, stderr } = await preresnet(words)
  t.is(status, 0, stderr)
  const lines = stdout.trimEnd().split('\n').slice(1)
  t.deepEqual(lines.map((line) => / (\w+) +\S+ %$/.exec(line)![1]).sort(), ['2', '3', 'left', 'right'])
  const [{ classes: answers }] = JSON.parse((await preresnet([...words, '--json'])).stdout) as [{ classes: { label: string; index: number }[] }]
  for (const { label, index } of answers) t.is(label, ['left', 'right', '2', '3'][index]!)
})

test.serial('report: one page', async (t) => {
  const { status, stdout, stderr } = await preresnet(['report', at('first')])
  t.is(status, 0, stderr)
  t.is(stdout, `${at('first/report.html')}\n`)
  const page = await readFile(at('first/report.html'), 'utf8')
  for (const text of ['training loss', 'test error (%)', 'Confusion matrix', 'recipe.seed', 'completed after 30 steps']) t.true(page.includes(text), text)
})

test.serial('a signal saves and leaves; --resume ends where a run without a signal ends', async (t) => {
  let sent = false
  const stopped = await preresnet(train('second', '--steps', '30', '--checkpoint-every', '1000'), {
    watch: (child, stderr) => {
      if (sent || !/^step 4\//m.test(stderr)) return
      sent = true
      child.kill('SIGHUP')
    },
  })
  t.is(stopped.status, 129, stopped.stderr)
  t.regex(stopped.stderr, /SIGHUP: saving and leaving/)
  t.regex(stopped.stderr, /^stopped at step \d+ /m)
  t.false((await readdir(at('second'))).includes('result.json'))
  const resumed = await preresnet(train('second', '--steps', '30', '--checkpoint-every', '1000', '--resume', '--workers', '2'))
  t.is(resumed.status, 0, resumed.stderr)
  t.regex(resumed.stderr, /resumed at step \d+ from/)
  const [a, b] = await Promise.all(['first', 'second'].map((name) => readFile(at(`${name}/model.safetensors`))))
  t.true(a!.equals(b!), 'the models are bit-identical')
})

test.serial('a second signal leaves at once', async (t) => {
  let sent = 0
  const { status, stderr } = await preresnet(train('third', '--steps', '100000', '--checkpoint-every', '100000', '--validate-every', '100000'), {
    watch: (child, text) => {
      if (sent === 0 && /^step 4\//m.test(text)) {
        sent = 1
        child.kill('SIGINT')
        child.kill('SIGTERM')
      }
    },
  })
  t.true(status === 130 || status === 143, `${status} ${stderr}`)
})

test.serial('--json prints the result alone', async (t) => {
  const { status, stdout, stderr } = await preresnet(train('fourth', '--epochs', '0.5', '--json'))
  t.is(status, 0, stderr)
  t.is(stderr, '')
  const result = JSON.parse(stdout) as object
  t.like(result, { schemaVersion: 1, outcome: 'completed', steps: 3, device: 'cpu', precision: 'fp32' })
  t.deepEqual(await json('fourth', 'result.json'), result)
})
