import test from 'ava'
import { passedOn } from '../../lib/cli/device_options.js'
import { table } from '../../lib/cli/output.js'
import { openProgress, tuningProgress } from '../../lib/cli/progress.js'
import { visible, visibleLine } from '../../lib/visible.js'
import { sharedOptions } from '../../lib/runtime/session_options.js'

function written(terminal: boolean, total: number): string[] {
  const texts: string[] = []
  const show = tuningProgress(terminal, (text) => texts.push(text))
  for (let done = 0; done <= total; done++) show(done, total)
  return texts
}

test.serial('the tuner writes one line over on a terminal, and a few lines elsewhere', (t) => {
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

test.serial('a terminal that cannot write a line over gets lines', (t) => {
  const before = process.env['TERM']
  process.env['TERM'] = 'dumb'
  t.teardown(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, 'TERM')
    else process.env['TERM'] = before
  })
  t.deepEqual(written(true, 91), written(false, 91))
  t.is(openProgress(true).constructor, openProgress(false).constructor)
  process.env['TERM'] = 'xterm'
  t.not(openProgress(true).constructor, openProgress(false).constructor)
})

test('control characters of names are shown as escapes, in tables those of lines too', (t) => {
  t.is(visible('a\x1b[31mb\x07\x9bc\x7f\n\té'), 'a\\x1b[31mb\\x07\\x9bc\\x7f\n\té')
  t.is(visibleLine('a\nb\r'), 'a\\x0ab\\x0d')
  t.is(table(['image\x1b'], [['a\x1b[2J\n']]), 'image\\x1b\na\\x1b[2J\\x0a')
})

test.serial("commands show the tuner's progress, but for those that print JSON", (t) => {
  t.is(typeof passedOn(sharedOptions, { json: false }).cuda?.onTuning, 'function')
  t.deepEqual(passedOn(sharedOptions, { json: true }), {})
})
