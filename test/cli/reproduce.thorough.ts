/** The rows of the paper's tables: that they are all there, with its figures, and that each network can be made. */
import test from 'ava'
import { documentSchema } from '../../lib/cli/json/document.js'
import { reproduceDocument, type Reproduction } from '../../lib/cli/json/reproduce.js'
import { rows, trainingOf } from '../../lib/cli/reproduction/rows.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { violations } from '../support/json_schema.js'
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
  const refused = await preresnet(['reproduce'])
  t.not(refused.status, 0)
  t.regex(refused.stderr, /reproduce: expected --list/)
})
