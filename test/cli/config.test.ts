/** `--config FILE`: the same names as on the command line, which wins. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { resolveOptions } from '../../lib/cli/config.js'
import { choiceOption, flagOption, integerOption, integersOption, namesOption, numberOption } from '../../lib/options/spec.js'
import { preresnet } from './run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-config-'))
test.after.always(() => rm(folder, { recursive: true, force: true }))

const said = { group: 'Training', help: '' } as const
const specs = {
  batch: integerOption({ ...said, unit: 'images', minimum: 1, fallback: 128 }),
  learningRate: numberOption({ ...said, unit: 'rate', minimum: 0, fallback: 0.1 }),
  milestones: integersOption({ ...said, unit: 'step', minimum: 1 }),
  device: choiceOption({ ...said, choices: ['auto', 'cpu'], fallback: 'auto' }),
  flip: flagOption({ ...said, fallback: true }),
  frozen: namesOption({ ...said, fallback: [] }),
}

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, JSON.stringify(content))
  return path
}

test('what nobody says is as usual', async (t) => {
  t.deepEqual(await resolveOptions(specs, {}), { batch: 128, learningRate: 0.1, milestones: undefined, device: 'auto', flip: true, frozen: [] })
})

test('the file wins over what is usual, the command line over the file', async (t) => {
  const config = await file('all.json', { batch: 64, 'learning-rate': 0.5, milestones: [10, 20], device: 'cpu', flip: false, frozen: ['stem'] })
  t.deepEqual(await resolveOptions(specs, { config }), { batch: 64, learningRate: 0.5, milestones: [10, 20], device: 'cpu', flip: false, frozen: ['stem'] })
  const given = { config, batch: '32', learningRate: '1e-2', milestones: '30,40', device: 'auto', flip: true, frozen: 'head,stages.0.*' }
  t.deepEqual(await resolveOptions(specs, given), {
    batch: 32,
    learningRate: 0.01,
    milestones: [30, 40],
    device: 'auto',
    flip: true,
    frozen: ['head', 'stages.0.*'],
  })
})

test('no milestones can be said', async (t) => {
  t.deepEqual((await resolveOptions(specs, { milestones: 'none' })).milestones, [])
})

test('a name in the style of code is not taken, and the right one named', async (t) => {
  const config = await file('camel.json', { learningRate: 0.5 })
  await t.throwsAsync(resolveOptions(specs, { config }), {
    code: 'ERR_OPTION',
    message: /camel\.json: unknown option "learningRate"; did you mean "learning-rate"\?/,
  })
})

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ['batch', '64'],
  ['batch', 0],
  ['learning-rate', null],
  ['milestones', 10],
  ['milestones', [0]],
  ['device', 'gpu'],
  ['flip', 'yes'],
  ['frozen', 'stem'],
]
for (const [name, value] of wrong) {
  test(`wrong in a file: ${name} ${JSON.stringify(value)}`, async (t) => {
    const config = await file(`${name}-${JSON.stringify(value).replace(/\W/g, '')}.json`, { [name]: value })
    await t.throwsAsync(resolveOptions(specs, { config }), { code: 'ERR_OPTION', message: new RegExp(`${name}: expected`) })
  })
}

test('on the command line', async (t) => {
  const config = await file('summary.json', { classes: 100, 'stride-on': 'conv1' })
  const parameters = async (...words: string[]) =>
    (JSON.parse((await preresnet(['summary', 'preresnet-164', '--json', '--config', config, ...words])).stdout) as { parameters: number }).parameters
  t.is(await parameters(), 1_726_388)
  t.is(await parameters('--classes', '10'), 1_703_258)
})
