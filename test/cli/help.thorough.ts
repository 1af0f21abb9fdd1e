/** Help says every option and shows examples, on stdout with status 0. */
import test from 'ava'
import { packageVersion } from '../../lib/package.js'
import { preresnet } from './run.js'

const commands = [
  'quickstart',
  'train',
  'eval',
  'predict',
  'import',
  'export',
  'pack',
  'summary',
  'plan',
  'report',
  'reproduce',
  'goldens',
  'bench',
  'doctor',
  'build',
]

test('the program lists its commands', async (t) => {
  const { status, stdout, stderr } = await preresnet(['--help'])
  t.is(status, 0)
  t.is(stderr, '')
  const listed = [...stdout.matchAll(/^ {2}(\w+) (?:\[options\]|\[command\])/gm)].map((match) => match[1]!)
  t.deepEqual(listed, [...commands, 'help'])
})

test('the version', async (t) => {
  t.deepEqual(await preresnet(['--version']), { status: 0, stdout: `${packageVersion()}\n`, stderr: '' })
})

test('words that stand before commands of two list these', async (t) => {
  for (const [word, other] of [
    ['data', 'inspect'],
    ['bench', 'data'],
  ] as const)
    t.regex((await preresnet([word, '--help'])).stdout, new RegExp(`^ {2}${other} \\[options\\]`, 'm'))
})

for (const command of [...commands, 'data inspect', 'bench data']) {
  test(`${command} --help`, async (t) => {
    const { status, stdout, stderr } = await preresnet([...command.split(' '), '--help'])
    t.is(status, 0)
    t.is(stderr, '')
    t.regex(stdout, new RegExp(`^Usage: preresnet ${command} `))
    t.regex(stdout, /--json/)
    t.regex(stdout, /--config <file>/)
    t.regex(stdout, new RegExp(`Examples:\\n {2}\\$ preresnet ${command}`))
  })
}

test('train says what mirroring depends on, and names options as the command line does', async (t) => {
  const stdout = (await preresnet(['train', '--help'])).stdout.replace(/\s+/g, ' ')
  t.true(stdout.includes('--flip mirror half of the images (default: yes, but not for digits) --no-flip the opposite of --flip'))
  t.true(stdout.includes('steps of training; this or --epochs'))
})

test('every option in an example of train exists', async (t) => {
  const { stdout } = await preresnet(['train', '--help'])
  const [options, examples] = stdout.split('Examples:') as [string, string]
  const used = [...examples.matchAll(/ (--[\w-]+)/g)].map((match) => match[1]!)
  t.true(used.length > 5)
  for (const option of used) t.regex(options, new RegExp(`^ {2}${option} `, 'm'))
})
