/** What the page of a run shows beside its curves, and the page of several runs. */
import test from 'ava'
import { describedRun } from '../../lib/cli/described_run.js'
import { certainMistakes, small } from '../../lib/cli/mistakes.js'
import { accuracies, accuracyBars } from '../../lib/cli/pictures/classes.js'
import { comparisonPage } from '../../lib/cli/pictures/comparison.js'
import { curvesSvg } from '../../lib/cli/pictures/curves.js'
import { depthsSvg } from '../../lib/cli/pictures/depths.js'
import { fittedScale } from '../../lib/cli/pictures/scales.js'
import { memoryDataset } from '../../lib/data/index.js'
import { preResNet } from '../../lib/models/index.js'
import { fit } from '../../lib/training/index.js'
import { randomBytes } from '../support/bytes.js'

test('accuracy of each class: the worst first, and of many the ends', (t) => {
  const confusion = {
    classes: ['a', 'b', 'never'],
    counts: [
      [3, 1, 0],
      [1, 1, 0],
      [0, 0, 0],
    ],
  }
  t.deepEqual(accuracies(confusion), [
    { name: 'b', right: 1, images: 2 },
    { name: 'a', right: 3, images: 4 },
  ])
  t.regex(accuracyBars(confusion), /<span>b<\/span><span class="track"><i style="width:50.00%"><\/i><\/span><span>50.0 % <span class="faint">1 of 2<\/span>/)
  const classes = Array.from({ length: 101 }, (_, index) => `class ${index}`)
  const cells = classes.map((_, label) => ({ label, prediction: label, images: 2 }))
  const bars = accuracyBars({ classes, cells: [...cells, { label: 7, prediction: 8, images: 2 }] })
  t.is([...bars.matchAll(/class="track"/g)].length, 30)
  t.regex(bars, /^<p>The 20 worst of 101 classes.<\/p><div class="bars"><span>class 7<\/span>/)
})

test('scales fit their range: logarithmic where it spans a factor of three, with round ends', (t) => {
  const wide = fittedScale('fit', [0.03, 2.3], [100, 0])
  t.deepEqual(wide.ticks, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5])
  t.deepEqual([wide.at(0.02), wide.at(5), wide.at(0)], [100, 0, 100])
  t.true(Math.abs(wide.at(0.1) - 100 * (1 - Math.log10(5) / Math.log10(250))) < 1e-9)
  const narrow = fittedScale('fit', [1.4, 2.3], [100, 0])
  t.deepEqual([narrow.at(1.4), narrow.at(2.4)], [100, 0])
  t.is(fittedScale('linear', [20, 50], [100, 0]).at(0), 100)
  t.deepEqual(fittedScale('fit', [1e-9, 1], [100, 0]).ticks.at(1), 1e-8)
  t.true(Number.isFinite(fittedScale('fit', [0.1, 0.1], [100, 0]).at(0.1)))
})

const recipe = {
  network: { name: 'small', input: { height: 8, width: 8, channels: 3 } },
  train: { name: 'photos/train', length: 96 },
  prepare: { train: [{ kind: 'randomCrop', pad: 4 }, { kind: 'flip' }] },
  batch: 32,
  statisticsGroups: 2,
  optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 1e-4, groups: [] },
  learningRate: { kind: 'multiStep', base: 0.1, milestones: [3, 6], factor: 0.1 },
  device: 'cpu',
  precision: 'fp32',
  seed: 4,
  labelSmoothing: 0.1,
  loss: 'cross-entropy',
  frozen: [],
}

test('options that matter are said in words, what is as usual is not', (t) => {
  const words = Object.fromEntries(describedRun({ recipe, stretches: [{ options: { steps: 9 }, cpu: { model: 'a processor' } }] }))
  t.deepEqual(words, {
    network: 'small, on images of 8 x 8, in color',
    'training images': 'photos/train, 96 images',
    'prepared by': 'random crop (pad 4), flip',
    length: '9 steps, 3 epochs',
    batch: '32 images, in 2 groups with statistics of their own',
    optimizer: 'sgd (momentum 0.9, weight decay 0.0001)',
    'learning rate': 'multi step (base 0.1, milestones 3, 6, factor 0.1)',
    'computed on': 'cpu in fp32, a processor',
    seed: '4',
    'label smoothing': '0.1',
  })
  t.deepEqual(describedRun({}), [])
})

const curves = {
  loss: [
    { step: 1, loss: 2 },
    { step: 9, loss: 0.5 },
  ],
  error: [{ step: 9, error: 0.25 }],
}

test('runs over each other: a color each, what differs apart from what is the same, probes beside each other', (t) => {
  const line = (gradient: number) => ({
    step: 0,
    images: 2,
    units: [
      { name: 'stem', signal: 3, gradient },
      { name: 'stages.0.blocks.0', signal: 4, gradient: 2 * gradient },
    ],
  })
  const run = (name: string, batch: string, gradient: number) => ({
    name,
    ...curves,
    figures: [['test error', '25.00 %'] as const],
    words: [['batch', batch] as const, ['seed', '1'] as const],
    probe: [line(gradient)],
  })
  const page = comparisonPage({ title: '2 runs', runs: [run('one', '32 images', 1), run('<two>', '64 images', 0.1)] })
  t.notRegex(page, /<two>|<script|NaN|undefined/)
  t.regex(page, /<th>run<\/th><th>batch<\/th><\/tr><tr><td>one<\/td><td>32 images<\/td><\/tr><tr><td>&lt;two&gt;<\/td><td>64 images<\/td>/)
  t.regex(page, /<th>seed<\/th><td>1<\/td>/)
  const colors = [...page.matchAll(/stroke="(#\w+)"[^>]* class="error"/g)].map(([, color]) => color)
  t.is(new Set(colors).size, 2)
  const depths = depthsSvg([
    { name: 'one', lines: [line(1)] },
    { name: 'two', lines: [line(0.1)] },
  ])
  t.is([...depths.matchAll(/<svg /g)].length, 5)
  // Over the same scale: ten times less is lower by as much in both pictures.
  const tops = [...depths.matchAll(/<path d="M0,([\d.]+)L[^"]*"[^>]* class="gradient"/g)].map(([, top]) => Number(top))
  t.true(tops[1]! > tops[0]!)
  t.notRegex(depths, /NaN|undefined/)
})

test('errors down to 0 have their place on a linear scale, others that fall far a logarithmic one', (t) => {
  const lowest = (last: number): number => {
    const svg = curvesSvg({ loss: [], error: [0.8, 0.3, last].map((error, step) => ({ step, error })) })
    return Number(/L360,([\d.]+)L/.exec(svg)![1])
  }
  t.is(lowest(0), 237.5)
  t.not(lowest(0.01), 237.5)
})

test('a single run has no names in its legend, several have', (t) => {
  t.notRegex(curvesSvg(curves), />one</)
  const svg = curvesSvg([
    { name: 'one', ...curves },
    { name: 'two', ...curves },
  ])
  t.regex(svg, />one<[\s\S]*>two<[\s\S]*>training loss<[\s\S]*>test error</)
})

test('the most certain mistakes, with what they are taken for, as small pictures', async (t) => {
  const data = await memoryDataset({
    images: randomBytes(40 * 8 * 8 * 3, 5),
    labels: Int32Array.from({ length: 40 }, (_, index) => index % 3),
    height: 8,
    width: 8,
    channels: 3,
    classes: ['a', 'b', 'c'],
  })
  const network = preResNet({ family: 'cifar', depth: 8, classes: 3, input: { height: 8, width: 8 } })
  const trained = await fit(network, { train: data, validate: data, batch: 8, steps: 2, learningRate: 0.01, device: 'cpu', precision: 'fp32', threads: 1 })
    .finished
  const found = (await certainMistakes(trained, data))!
  const { predictions, top1Errors } = trained.validation!
  t.is(found.of, top1Errors)
  t.true(found.shown.length > 1 && found.shown.length <= 24)
  const wrong = [...predictions.keys()].filter((index) => predictions[index] !== data.labels[index])
  const pairs = wrong.map((index) => `${data.classes[data.labels[index]!]} ${data.classes[predictions[index]!]}`)
  for (const { label, predicted, probability, image } of found.shown) {
    t.true(pairs.includes(`${label} ${predicted}`))
    t.true(probability >= 1 / 3 && probability <= 1)
    t.regex(image, /^data:image\/png;base64,/)
  }
  t.deepEqual(
    found.shown.map(({ probability }) => probability),
    found.shown.map(({ probability }) => probability).sort((a, b) => b - a),
  )
})

test('large pictures become small by means, small ones stay', (t) => {
  const values = Uint8Array.from({ length: 224 * 224 }, (_, index) => (index % 2 === 0 ? 10 : 20))
  t.deepEqual(small({ height: 224, width: 224, channels: 1, values }), { height: 112, width: 112, channels: 1, values: new Uint8Array(112 * 112).fill(15) })
  const few = { height: 2, width: 3, channels: 1, values: new Uint8Array(6) } as const
  t.is(small(few), few)
})
