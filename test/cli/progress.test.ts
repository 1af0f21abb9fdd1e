import test from 'ava'
import { passedOn } from '../../lib/cli/place_options.js'
import { tuningProgress } from '../../lib/cli/progress.js'
import { sharedOptions } from '../../lib/runtime/session_options.js'

function written(terminal: boolean, total: number): string[] {
  const texts: string[] = []
  const show = tuningProgress(terminal, (text) => texts.push(text))
  for (let done = 0; done <= total; done++) show(done, total)
  return texts
}

test('the tuner writes one line over on a terminal, and a few lines elsewhere', (t) => {
  const bar = written(true, 91)
  t.is(bar.length, 92)
  t.true(bar.every((text) => text.startsWith('\r')))
  t.deepEqual(
    bar.filter((text) => text.endsWith('\n')),
    [bar.at(-1)],
  )
  const lines = written(false, 91)
  t.is(lines.length, 11)
  t.true(lines.every((text) => /^[^\r\n]+\n$/.test(text)))
  t.regex(lines[0]!, /: 0 of 91 convolutions/)
  t.regex(lines.at(-1)!, /: 91 of 91 convolutions/)
  t.is(written(false, 3).length, 4)
})

test("commands show the tuner's progress, but for those that print JSON", (t) => {
  t.is(typeof passedOn(sharedOptions, { json: false }).cuda?.onTuning, 'function')
  t.deepEqual(passedOn(sharedOptions, { json: true }), {})
})
