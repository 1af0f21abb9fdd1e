import test from 'ava'
import { balancedWeights } from '../../lib/data/class_weights.js'
import { trainingOptions } from '../../lib/options/table.js'

const { classWeights } = trainingOptions
const images = { name: 'made', classes: ['ant', 'bee', 'cat'], labels: Int32Array.of(0, 0, 0, 1, 1, -1, 2, 0) }
const flag = (word: string): unknown => classWeights.read('--class-weights', classWeights.flag!.parse(word))

test('--class-weights takes numbers or a word', (t) => {
  t.deepEqual(flag('1,2,0.5'), [1, 2, 0.5])
  t.is(flag('balanced'), 'balanced')
  for (const word of ['even', '1,0', '1,x'])
    t.throws(() => flag(word), { code: 'ERR_OPTION', message: /^--class-weights: expected ("balanced" or an array of numbers|a number) above 0, got/ })
})

test('balanced classes weigh the same with all of their images', (t) => {
  // Seven images have a label.
  t.deepEqual(balancedWeights(images), [7 / 12, 7 / 6, 7 / 3])
  t.throws(() => balancedWeights({ ...images, labels: Int32Array.of(0, 2) }), {
    code: 'ERR_DATASET',
    message: `classWeights 'balanced': made: expected images of every class, got none of "bee"`,
  })
})
