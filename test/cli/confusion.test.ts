/** Confusion matrices of few classes and of many. */
import test from 'ava'
import { confusionOf, confusionText, mistakes } from '../../lib/cli/confusion.js'
import { runPage } from '../../lib/cli/pictures/page.js'
import { confusionMatrix } from '../../lib/runtime/metrics.js'

const labels = Int32Array.of(0, 2, 1, 2, -1, 2, 0)
const guesses = Int32Array.of(0, 1, 1, 0, 2, 1, 0)

test('samples are counted by label and guess, those without a label are not', (t) => {
  const matrix = confusionMatrix(labels, guesses, 3)
  t.deepEqual([...matrix.counts], [2, 0, 0, 0, 1, 0, 1, 2, 0])
  t.deepEqual(matrix.cells, [
    { label: 0, guess: 0, count: 2 },
    { label: 1, guess: 1, count: 1 },
    { label: 2, guess: 0, count: 1 },
    { label: 2, guess: 1, count: 2 },
  ])
  t.is(matrix.counts, matrix.counts)
})

test('a document has rows for few classes, and only what occurred for many', async (t) => {
  const few = confusionOf(['a', 'b'], confusionMatrix(labels, guesses, 3))
  t.deepEqual(few, {
    classes: ['a', 'b', '2'],
    counts: [
      [2, 0, 0],
      [0, 1, 0],
      [1, 2, 0],
    ],
  })
  const many = confusionOf([], confusionMatrix(labels, guesses, 50_000))
  t.is(many.classes.length, 50_000)
  t.is(many.counts, undefined)
  t.deepEqual(many.cells, [
    { label: 0, prediction: 0, images: 2 },
    { label: 1, prediction: 1, images: 1 },
    { label: 2, prediction: 0, images: 1 },
    { label: 2, prediction: 1, images: 2 },
  ])
  const expected = [
    { label: '2', predicted: '1', count: 2 },
    { label: '2', predicted: few.classes[0]!, count: 1 },
  ]
  t.deepEqual(mistakes(few), [{ ...expected[0]!, predicted: 'b' }, expected[1]!])
  t.deepEqual(mistakes(many), [expected[0]!, { ...expected[1]!, predicted: '0' }])
  t.regex(confusionText(many), /2 +1 +2/)
  const page = runPage({
    title: 'many',
    headline: '',
    figures: [],
    words: [],
    pace: [],
    probe: [],
    curves: { loss: [], error: [] },
    manifest: {},
    confusion: many,
  })
  t.regex(page, /<td>2<\/td><td>1<\/td><td class="number">2<\/td>/)
  t.true(page.length < 10_000)
})
