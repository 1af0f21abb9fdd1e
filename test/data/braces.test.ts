import test from 'ava'
import { expandBraces, splitOutsideBraces } from '../../lib/data/braces.js'

const cases: readonly (readonly [text: string, names: readonly string[]])[] = [
  ['train.tar', ['train.tar']],
  ['train-{0..3}.tar', ['train-0.tar', 'train-1.tar', 'train-2.tar', 'train-3.tar']],
  ['{08..11}', ['08', '09', '10', '11']],
  ['{8..011}', ['008', '009', '010', '011']],
  ['{2..0}', ['2', '1', '0']],
  ['{-1..1}', ['-1', '0', '1']],
  ['{a,b}-{0..1}', ['a-0', 'a-1', 'b-0', 'b-1']],
  ['x{a,{1..2},}y', ['xay', 'x1y', 'x2y', 'xy']],
  ['{only}{}', ['{only}{}']],
  ['{open-{0..1}', ['{open-0', '{open-1']],
  ['{a{b}c}', ['{a{b}c}']],
]

for (const [text, names] of cases) {
  test(`${text} stands for ${names.length}`, (t) => {
    t.deepEqual(expandBraces(text), names)
  })
}

test('more names than can be meant', (t) => {
  for (const text of ['{0..9999999}', '{0..9999}{0..9999}', '{1..999999999999999999999}'])
    t.throws(() => expandBraces(text), { code: 'ERR_OPTION', message: /at most 1000000 names/ })
})

test('commas in braces do not separate', (t) => {
  t.deepEqual(splitOutsideBraces('a-{0,1}.tar,b.tar'), ['a-{0,1}.tar', 'b.tar'])
  t.deepEqual(splitOutsideBraces('a'), ['a'])
})
