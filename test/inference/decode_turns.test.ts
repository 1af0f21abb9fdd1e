/** Which images may be decoded at a time, and which go past which: native/data/decode_turns.h, played by test/native/decode_turns.cpp. */
import test from 'ava'
import { nativeProgram } from '../support/native_program.js'

const run = nativeProgram('decode_turns_test')
/** What a scenario says: who runs, at each question. */
const play = (scenario: string): string[] => run(0, scenario)[0]!.message!.split('|')

test('so many at a time, in order', (t) => {
  t.deepEqual(play('2 10 100 +a1 +b1 +c1 +d1 ? -b ? -a ? -c -d ? +e1 ?'), ['ab', 'ac', 'cd', 'nobody', 'e'])
})

test('large ones run together as long as their sizes allow it', (t) => {
  t.deepEqual(play('8 10 100 +a40 +b40 +c40 +d40 ? -a ?'), ['ab', 'bc'])
})

test('one place is for small ones alone', (t) => {
  t.deepEqual(play('3 10 1000 +a40 +b40 +c40 +x10 +y10 ? -x ? -a ?'), ['abx', 'aby', 'byc'])
})

test('small ones go past a large one that does not fit, and keep it from nothing', (t) => {
  t.deepEqual(play('3 10 100 +a60 +b60 +w1 +x1 +y1 +z1 ? -w ? -a ? -b ?'), ['awx', 'axy', 'xyb', 'xyz'])
})

test('a large one does not go past another, however many come', (t) => {
  t.deepEqual(play('8 10 100 +a60 +b60 +c20 ? -a ?'), ['a', 'bc'])
})

test('one of more than the budget goes without other large ones', (t) => {
  t.deepEqual(play('8 10 100 +a40 +b1000 +c20 +x5 ? -a ? -b ?'), ['ax', 'xb', 'xc'])
})

test('where there is one place, both kinds take turns', (t) => {
  t.deepEqual(play('1 10 100 +x5 +a40 +y5 ? -x ? -a ?'), ['x', 'a', 'y'])
})

test('what leaves takes no place, and what has begun stays', (t) => {
  t.deepEqual(play('2 10 100 +a1 +b1 +c1 +d1 !c ? -a ? !b ? +e60 +f60 !e -b ?'), ['left', 'ab', 'bd', 'stays', 'bd', 'left', 'df'])
})
