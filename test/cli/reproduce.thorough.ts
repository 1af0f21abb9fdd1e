/** The rows of the paper's tables: that they are all there, with its figures, and that each network can be made. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { documentSchema } from '../../lib/cli/json/document.js'
import { reproduceDocument, type Reproduction } from '../../lib/cli/json/reproduce.js'
import { type Row, rows, trainingOf } from '../../lib/cli/reproduction/rows.js'
import { elements } from '../../lib/compiler/layout.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { initialValues } from '../../lib/runtime/random.js'
import { violations } from '../support/json_schema.js'
import { memoryDataset } from '../../lib/data/index.js'
import { type Outcome, outcomeCells, outcomeText, type RunOutcome, summaryOf } from '../../lib/cli/reproduction/outcome.js'
import { reproductionPage } from '../../lib/cli/reproduction/page.js'
import { checkMoved } from '../../lib/cli/reproduction/run.js'
import { type Extent, trainingFor } from '../../lib/cli/reproduction/trainings.js'
import type { Schedule } from '../../lib/training/schedule.js'
import { temporaryDirectory } from '../formats/directory.js'
import { randomBytes } from '../support/bytes.js'
import { writeFiles } from '../support/files.js'
import { rgbPng } from '../support/png.js'
import { preresnet } from './run.js'

/** As the paper prints them: a failure, an error, two errors, or an error with mean and deviation. */
const printed: Readonly<Record<string, string>> = {
  'table-1/original': '6.61',
  'table-1/constant-0': 'fail',
  'table-1/constant-0.5': 'fail',
  'table-1/constant-both-0.5': '12.35',
  'table-1/exclusive-gating/0': 'fail',
  'table-1/exclusive-gating/-6': '8.7',
  'table-1/exclusive-gating/-7': '9.81',
  'table-1/shortcut-only-gating/0': '12.86',
  'table-1/shortcut-only-gating/-6': '6.91',
  'table-1/conv-shortcut': '12.22',
  'table-1/dropout-shortcut': 'fail',
  'table-2/a/110': '6.61',
  'table-2/a/164': '5.93',
  'table-2/b/110': '8.17',
  'table-2/b/164': '6.5',
  'table-2/c/110': '7.84',
  'table-2/c/164': '6.14',
  'table-2/d/110': '6.71',
  'table-2/d/164': '5.91',
  'table-2/e/110': '6.37',
  'table-2/e/164': '5.46',
  'table-3/cifar10/110-one-layer/original': '9.9',
  'table-3/cifar10/110-one-layer/pre-activation': '8.91',
  'table-3/cifar10/110/original': '6.61',
  'table-3/cifar10/110/pre-activation': '6.37',
  'table-3/cifar10/164/original': '5.93',
  'table-3/cifar10/164/pre-activation': '5.46',
  'table-3/cifar10/1001/original': '7.61',
  'table-3/cifar10/1001/pre-activation': '4.92 4.89 0.14',
  'table-3/cifar10/1001/pre-activation/batch-64': '4.62 4.69 0.2',
  'table-3/cifar100/164/original': '25.16',
  'table-3/cifar100/164/pre-activation': '24.33',
  'table-3/cifar100/1001/original': '27.82',
  'table-3/cifar100/1001/pre-activation': '22.71 22.68 0.22',
  'table-5/152/original/224': '23 / 6.7',
  'table-5/152/original/320': '21.3 / 5.5',
  'table-5/152/pre-activation/320': '21.1 / 5.5',
  'table-5/200/original/320': '21.8 / 6',
  'table-5/200/pre-activation/320': '20.7 / 5.3',
  'table-5/200/pre-activation/320/aspect': '20.1 / 4.8',
  'table-5/inception-v3': '21.2 / 5.6',
}

const figures = ({ top1, top5, mean, deviation }: (typeof rows)[number]['paper']): string =>
  top1 === null ? 'fail' : top5 === undefined ? [top1, ...(mean === undefined ? [] : [mean, deviation])].join(' ') : `${top1} / ${top5}`

test('every row of Tables 1, 2, 3 and 5 is there, with the figure of the paper', (t) => {
  t.deepEqual(Object.fromEntries(rows.map(({ id, paper }) => [id, figures(paper)])), printed)
  for (const { id, table } of rows) t.true(id.startsWith(`table-${table}/`))
})

test("rows of one training name it once; the counts are the paper's", (t) => {
  const trainings = new Set(rows.flatMap((row) => trainingOf(row) ?? []))
  t.is(trainings.size, 34)
  t.is(trainingOf(rows.find(({ id }) => id === 'table-3/cifar10/110/original')!), 'table-1/original')
  t.is(trainingOf(rows.find(({ id }) => id === 'table-5/152/original/320')!), 'table-5/152/original/224')
  t.is(trainingOf(rows.at(-1)!), undefined)
  const count = (id: string): number => {
    const { parameters } = buildGraph(preResNet(rows.find((row) => row.id === id)!.network!))
    return parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
  }
  t.is(count('table-2/e/110'), 1_727_962)
  t.is(count('table-2/e/164'), 1_703_258)
  t.is(count('table-3/cifar100/164/pre-activation'), 1_726_388)
  t.is(count('table-5/200/pre-activation/320'), 64_666_152)
})

test('every network can be made, and has the recipe of its data', (t) => {
  for (const { id, network, recipe, testCrop } of rows) {
    if (network === undefined) continue
    const { input } = preResNet(network)
    t.is(input.height, recipe.data === 'imagenet' ? 224 : 32, id)
    t.true(testCrop >= input.height, id)
    t.is(recipe.batch % recipe.statisticsGroups, 0, id)
    t.is(network.classes, { cifar10: 10, cifar100: 100, imagenet: 1000 }[recipe.data], id)
  }
})

test('reproduce --list prints the rows, as text and as JSON; without it the command is refused', async (t) => {
  const plain = await preresnet(['reproduce', '--list'])
  t.is(plain.status, 0)
  t.regex(plain.stdout, /^table-2\/e\/164 +5\.46 +cifar10, batch 128 in 2 groups, 64000 steps +\(e\) full pre-activation, ResNet-164$/m)
  t.regex(plain.stdout, /^table-3\/cifar10\/110\/original +6\.61 +as table-1\/original /m)
  t.regex(plain.stdout, /^table-3\/cifar10\/1001\/pre-activation +4\.92 \(4\.89 \+- 0\.14\) /m)
  t.regex(plain.stdout, /^table-5\/inception-v3 +21\.2 \/ 5\.6 +not here /m)
  const { stdout } = await preresnet(['reproduce', '--list', '--json'])
  const document = JSON.parse(stdout) as Reproduction
  t.deepEqual(violations(documentSchema(reproduceDocument), document), [])
  t.deepEqual(
    document.rows.map(({ id }) => id),
    Object.keys(printed),
  )
  for (const [words, message] of [
    [[], /reproduce: expected names of rows, --list or --smoke, got none/],
    [['table-2/e/165'], /no row is called "table-2\/e\/165"; did you mean "table-2\/e\/164"\?/],
    [['table-5/inception-v3'], /expected a row of a residual network/],
    [['table-2/e/110'], /expected --data, the images of rows on cifar10, got none/],
    [['table-2/e/110', '--data', 'digits', '--scale', '0'], /--scale: expected a number above 0/],
    [
      ['table-2/e/110', '--data', 'digits', '--scale', '0.00002'],
      /^preresnet: ERR_OPTION: --scale: expected a part with a step between two changes of the learning rate, as 0.0000625, got 0.00002\n$/,
    ],
    // Nothing of the first is trained, nor announced, where images of the second are missing.
    [['table-2/e/110', 'table-3/cifar100/164/original', '--data', 'digits'], /^preresnet: ERR_OPTION: reproduce: expected --cifar100-data, [^\n]*\n$/],
    [['table-2/e/110', 'table-3/cifar100/164/original', '--data', 'digits', '--cifar100-data', 'digits'], /^preresnet: ERR_DATASET: reproduce: [^\n]*\n$/],
  ] as const) {
    const refused = await preresnet(['reproduce', ...words])
    t.not(refused.status, 0)
    t.regex(refused.stderr, message)
  }
})

const images = (count: number, seed: number) =>
  memoryDataset({
    images: randomBytes(count * 32 * 32 * 3, seed),
    labels: Int32Array.from({ length: count }, (_, index) => index % 10),
    height: 32,
    width: 32,
    channels: 3,
    classes: 10,
  })
const named = (id: string): Row => rows.find((row) => row.id === id)!

test('a shorter training has the same shape; what differs from the paper is said', async (t) => {
  const split = { train: await images(200, 1), test: await images(100, 2) }
  const ratesOf = async (extent: Extent, row = named('table-2/e/110')) => {
    const { settings, length, data, remarks } = await trainingFor(row, split, extent)
    const steps = 'steps' in length ? length.steps : NaN
    const schedule = (settings.learningRate as Schedule).resolve({ steps, stepsPerEpoch: Math.floor(data.train.length / settings.batch!) })
    return { steps, settings, data, remarks, rate: (step: number) => Number(schedule.at(step).toPrecision(6)) }
  }
  const whole = await ratesOf({ smoke: false, scale: 1 })
  t.deepEqual([whole.steps, whole.settings.batch, whole.settings.statisticsGroups, whole.remarks], [64_000, 128, 2, []])
  t.deepEqual([0, 399, 400, 31_999, 32_000, 48_000].map(whole.rate), [0.01, 0.01, 0.1, 0.1, 0.01, 0.001])
  const twentieth = await ratesOf({ smoke: false, scale: 0.05 })
  t.deepEqual([0, 19, 20, 1_599, 1_600, 2_400].map(twentieth.rate), [0.01, 0.01, 0.1, 0.1, 0.01, 0.001])
  t.is(twentieth.steps, 3_200)
  t.deepEqual(twentieth.remarks, ['the same schedule, shortened to 0.05 of its length'])
  const smoke = await ratesOf({ smoke: true, scale: 1 })
  t.deepEqual([smoke.steps, smoke.settings.batch, smoke.settings.statisticsGroups, smoke.data.validate.length], [30, 32, 2, 64])
  t.deepEqual([0, 1, 14, 15, 22, 29].map(smoke.rate), [0.01, 0.1, 0.1, 0.01, 0.001, 0.001])
  const hundred = await ratesOf({ smoke: true, scale: 1 }, named('table-3/cifar100/1001/original'))
  t.deepEqual([hundred.steps, hundred.settings.batch, hundred.data.train.classes.length, hundred.data.validate.classes.length], [8, 8, 100, 100])
  t.regex(hundred.remarks[1]!, /^100 outputs on images of 10 classes .* instead of cifar100$/)
  const large = await ratesOf({ smoke: true, scale: 1 }, named('table-5/152/original/320'))
  t.deepEqual(
    large.settings.prepare!.train!.map(({ kind }) => kind),
    ['randomResize', 'randomCrop', 'lighting', 'flip'],
  )
  t.false(large.remarks.some((remark) => remark.startsWith('without')))
  await t.throwsAsync(trainingFor(named('table-3/cifar100/164/original'), split, { smoke: false, scale: 1 }), {
    code: 'ERR_DATASET',
    message: /expected images of 100 classes \(cifar100\), got .* with 10/,
  })
})

test('median, mean and standard deviation of runs, beside the figure of the paper', (t) => {
  t.deepEqual(summaryOf([6, 5, 7]), { median: 6, mean: 6, deviation: 1 })
  t.deepEqual(summaryOf([1, 2, 4, 3]).median, 2.5)
  t.is(summaryOf([5]).deviation, null)
  const run = (top1: number): RunOutcome => ({ seed: 1, steps: 1, top1, top5: 1, seconds: 1, directory: '' })
  const outcome = (id: string, ...errors: number[]): Outcome => ({ row: named(id), training: id, runs: errors.map(run), remarks: ['shortened'] })
  t.deepEqual(outcomeCells(outcome('table-2/e/164', 5.5, 5.9, 6)), [
    'table-2/e/164',
    '5.46',
    '5.90',
    '5.80 +- 0.26',
    '3',
    '+0.44',
    '5.90 (hysts/pytorch_resnet_preact, median of 3), 5.81 (Merlinhool)',
  ])
  t.deepEqual(outcomeCells(outcome('table-1/constant-0', 50)).slice(1, 6), ['fail (> 20)', '50.00', '50.00', '1', 'fails too'])
  t.deepEqual(outcomeCells(outcome('table-5/200/pre-activation/320', 20)).slice(1, 3), ['20.70 / 5.3', '20.00 / 1.0'])
  const both = [outcome('table-2/e/164', 5.5), { ...outcome('table-2/e/110', 7), remarks: ['shortened', 'without <color>'] }]
  const text = outcomeText(both)
  t.regex(text, /^shortened\nwithout <color>: table-2\/e\/110\n\ntest error in percent\nrow +paper/)
  t.regex(
    reproductionPage('title', both, []),
    /<li>without &lt;color&gt;: table-2\/e\/110<\/li>.*<td>table-2\/e\/164<\/td><td class="number">5\.46<\/td><td class="number">5\.50<\/td>/s,
  )
})

test('a parameter that stands where it began is an error of its name', async (t) => {
  const network = preResNet({ family: 'cifar', depth: 8, block: 'basic', classes: 10 })
  const start = async (seed: number) =>
    new Map(
      await Promise.all(
        buildGraph(network).parameters.map(async ({ name, shape, init }) => {
          const data = Float32Array.from(await initialValues(init, elements(shape), seed, name))
          return [name, { dtype: 'F32', shape, data }] as const
        }),
      ),
    )
  const tensors = await start(1)
  for (const { data } of tensors.values()) data[0]! += 0.5
  await t.notThrowsAsync(checkMoved({ network }, { tensors }, 1))
  const { name, data } = { name: 'stages.1.blocks.0.norm1.weight', data: tensors.get('stages.1.blocks.0.norm1.weight')!.data }
  data[0]! -= 0.5
  await t.throwsAsync(checkMoved({ network }, { tensors }, 1), { code: 'ERR_INTERNAL', message: new RegExp(`parameter ${name} has not moved`) })
})

test('two rows of one training are trained once; the same command finds what is there', async (t) => {
  const folder = await temporaryDirectory(t)
  const picture = (index: number): Buffer => rgbPng(32, 32, randomBytes(32 * 32 * 3, index))
  const files = Object.fromEntries(
    ['train', 'test'].flatMap((split) => Array.from({ length: 64 }, (_, index) => [`${split}/${index % 3}/${index}.png`, picture(index)])),
  )
  await writeFiles(folder, files)
  const output = join(folder, 'runs')
  const words = ['reproduce', 'table-2/a/110', 'table-1/original', '--smoke', '--output', output, '--data', folder, '--json']
  const first = await preresnet(words)
  t.is(first.stderr, '')
  const { results } = JSON.parse(first.stdout) as Required<Reproduction>
  t.deepEqual(
    results.map(({ row, training }) => [row, training]),
    [
      ['table-2/a/110', 'table-1/original'],
      ['table-1/original', 'table-1/original'],
    ],
  )
  t.deepEqual(results[0]!.runs, results[1]!.runs)
  t.is(results[0]!.runs[0]!.steps, 30)
  t.regex(results[0]!.remarks.join(), /smoke test: 30 steps of 32 images in 2 groups, validated on 64 images,10 outputs on images of 3 classes/)
  t.regex(await readFile(join(output, 'table-smoke.html'), 'utf8'), /smoke test: 30 steps/)
  t.regex(await readFile(join(results[0]!.runs[0]!.directory, 'report.html'), 'utf8'), /resnet-110/)
  const again = await preresnet(words)
  t.is(again.stdout, first.stdout)
  const { directory } = results[0]!.runs[0]!
  const [finished, result] = [join(directory, 'reproduced.json'), join(directory, 'result.json')]
  const [kept, ofRun] = [await readFile(finished, 'utf8'), await readFile(result, 'utf8')]
  const { errors, ...rest } = JSON.parse(kept) as { errors: Readonly<Record<string, unknown>> }
  await writeFile(finished, JSON.stringify({ ...rest, errors: { 'table-2/a/110': errors['table-2/a/110'] } }))
  const added = await preresnet(words)
  t.is(added.stdout, first.stdout, 'a row that was not asked for before is only tested')
  t.deepEqual(JSON.parse(await readFile(finished, 'utf8')), JSON.parse(kept))
  t.is(await readFile(result, 'utf8'), ofRun)
  await writeFiles(folder, { 'train/1/64.png': picture(1000) })
  const others = await preresnet(words)
  t.not(others.status, 0)
  t.regex(others.stderr, /holds a run on other images/)
})
