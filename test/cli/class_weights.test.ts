import test from 'ava'
import { classWeightsOption, weightsFor } from '../../lib/cli/class_weights.js'

const images = { name: 'made', classes: ['ant', 'bee', 'cat'], labels: Int32Array.of(0, 0, 0, 1, 1, -1, 2, 0) }
const flag = (word: string): unknown => classWeightsOption.read('--class-weights', classWeightsOption.flag!.parse(word))

test('--class-weights takes numbers, or weighs a class by how few images it has', (t) => {
  t.deepEqual(flag('1,2,0.5'), [1, 2, 0.5])
  t.deepEqual(weightsFor([1, 2, 0.5], images), [1, 2, 0.5])
  t.is(flag('balanced'), 'balanced')
  // Seven images have a label; each class weighs as much as the others together with its images.
  t.deepEqual(weightsFor('balanced', images), [7 / 12, 7 / 6, 7 / 3])
})

test('refused: other words, a weight of 0, and classes without images', (t) => {
  t.throws(() => flag('even'), { code: 'ERR_OPTION', message: /--class-weights: expected an array of numbers above 0, got "even"|expected "balanced" or an array of numbers above 0/ })
  t.throws(() => flag('1,0'), { code: 'ERR_OPTION', message: /expected a number above 0, got 0|numbers above 0/ })
  t.throws(() => weightsFor('balanced', { ...images, labels: Int32Array.of(0, 2) }), {
    code: 'ERR_OPTION',
    message: '--class-weights balanced: expected images of every class, got none of "bee" in made',
  })
})
