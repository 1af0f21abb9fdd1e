/** Whatever is wrong: one line on stderr with a code, a status that is not 0, nothing on stdout, no stack. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { goldenDirectory, preresnet } from './run.js'

const folder = await mkdtemp(join(tmpdir(), 'preresnet-cli-'))
const at = (name: string) => join(folder, name)

test.before(async () => {
  await mkdir(at('empty'))
  await mkdir(at('classless/train/cat'), { recursive: true })
  await mkdir(at('classless/test/cat'), { recursive: true })
  await writeFile(at('text.jpg'), 'no picture')
  await mkdir(at('images/cat'), { recursive: true })
  await writeFile(at('images/cat/1.jpg'), 'no picture')
  await promisify(execFile)('tar', ['-cf', at('images.tar'), '-C', at('images'), 'cat/1.jpg'])
  await writeFile(at('config.json'), JSON.stringify({ bacth: 3 }))
  await writeFile(at('wrong.json'), JSON.stringify({ batch: 'many' }))
  await writeFile(at('broken.json'), '{ "batch": 3')
  await writeFile(at('list.json'), '[1]')
  const golden = await readFile(join(goldenDirectory, 'unit-preact-one-layer.safetensors'))
  await writeFile(at('truncated.safetensors'), golden.subarray(0, golden.length - 100))
  await writeFile(at('foreign.safetensors'), golden)
  await symlink('foreign.safetensors', at('linked.safetensors'))
})

test.after.always(() => rm(folder, { recursive: true, force: true }))

interface Case {
  readonly what: string
  readonly words: readonly string[]
  readonly status: 1 | 2
  readonly code: string
  readonly says: RegExp
}

const train = (...words: string[]): string[] => ['train', '--model', 'preresnet-20', '--data', 'digits', '--output', at('run'), '--steps', '1', ...words]

const cases: readonly Case[] = [
  { what: 'no command', words: [], status: 2, code: 'ERR_OPTION', says: /command/ },
  { what: 'misspelt command', words: ['trian'], status: 2, code: 'ERR_OPTION', says: /trian.*did you mean train/ },
  { what: 'misspelt option', words: train('--bacth', '3'), status: 2, code: 'ERR_OPTION', says: /--bacth.*did you mean --batch/ },
  { what: 'option without its value', words: train('--seed'), status: 2, code: 'ERR_OPTION', says: /--seed.*argument missing/ },
  {
    what: 'word for a number',
    words: train('--batch', 'many'),
    status: 2,
    code: 'ERR_OPTION',
    says: /--batch: expected an integer from 1 to 1048576, got "many" \(type string\)/,
  },
  { what: 'fraction for an integer', words: train('--batch', '1.5'), status: 2, code: 'ERR_OPTION', says: /--batch: expected an integer/ },
  { what: 'negative number', words: train('--momentum', '-1'), status: 2, code: 'ERR_OPTION', says: /--momentum: expected a number from 0 to 1, got -1/ },
  { what: 'unknown choice', words: train('--device', 'gpu'), status: 2, code: 'ERR_OPTION', says: /--device: expected "auto" or "cpu"/ },
  { what: 'misspelt choice', words: train('--precision', 'bff16'), status: 2, code: 'ERR_OPTION', says: /did you mean "bf16"/ },
  {
    what: 'neither steps nor epochs',
    words: ['train', '--model', 'preresnet-20', '--data', 'digits', '--output', at('run')],
    status: 2,
    code: 'ERR_OPTION',
    says: /--steps or --epochs/,
  },
  { what: 'both steps and epochs', words: train('--epochs', '1'), status: 2, code: 'ERR_OPTION', says: /--steps or --epochs/ },
  { what: 'no data', words: ['train', '--model', 'preresnet-20', '--steps', '1', '--output', at('run')], status: 2, code: 'ERR_OPTION', says: /--data/ },
  { what: 'precision that no GPU takes', words: train('--device', 'cuda', '--precision', 'fp64'), status: 1, code: 'ERR_DEVICE', says: /fp32, got "fp64"/ },
  { what: 'precision that the device has not', words: train('--device', 'reference', '--precision', 'bf16'), status: 1, code: 'ERR_DEVICE', says: /fp64/ },
  { what: 'misspelt network', words: ['summary', 'preresnet-163'], status: 2, code: 'ERR_OPTION', says: /preresnet-163.*did you mean "preresnet-164"/ },
  { what: 'depth that is not 6n+2', words: ['summary', '--family', 'cifar', '--depth', '57'], status: 2, code: 'ERR_OPTION', says: /6n \+ 2.*57/ },
  {
    what: 'depth that is not 9n+2',
    words: ['summary', '--family', 'cifar', '--depth', '57', '--block', 'bottleneck'],
    status: 2,
    code: 'ERR_OPTION',
    says: /9n \+ 2.*57/,
  },
  { what: 'name and family', words: ['summary', 'preresnet-20', '--depth', '20'], status: 2, code: 'ERR_OPTION', says: /got both/ },
  { what: 'no network', words: ['summary'], status: 2, code: 'ERR_OPTION', says: /name of a network/ },
  { what: 'too many words', words: ['summary', 'preresnet-20', 'preresnet-32'], status: 2, code: 'ERR_OPTION', says: /too many arguments/ },
  {
    what: 'images too small for the network',
    words: ['summary', 'preresnet-50', '--image', '0'],
    status: 2,
    code: 'ERR_OPTION',
    says: /--image: expected an integer of at least 1/,
  },
  { what: 'missing golden directory', words: ['goldens', at('nowhere')], status: 1, code: 'ERR_FILE', says: /nowhere: is not there/ },
  {
    what: 'missing configuration',
    words: train('--config', at('nowhere.json')),
    status: 1,
    code: 'ERR_FILE',
    says: /nowhere\.json: cannot be read \(ENOENT\)/,
  },
  {
    what: 'unknown key in a configuration',
    words: train('--config', at('config.json')),
    status: 2,
    code: 'ERR_OPTION',
    says: /config\.json: unknown option "bacth"; did you mean "batch"/,
  },
  {
    what: 'wrong type in a configuration',
    words: train('--config', at('wrong.json')),
    status: 2,
    code: 'ERR_OPTION',
    says: /wrong\.json: batch: expected an integer/,
  },
  { what: 'configuration that is no JSON', words: train('--config', at('broken.json')), status: 1, code: 'ERR_FILE', says: /broken\.json: expected JSON/ },
  { what: 'configuration that is no object', words: train('--config', at('list.json')), status: 2, code: 'ERR_OPTION', says: /an object of options/ },
  {
    what: 'missing folder of images',
    words: ['train', '--model', 'preresnet-20', '--data', at('nowhere'), '--steps', '1', '--output', at('run')],
    status: 1,
    code: 'ERR_FILE',
    says: /nowhere/,
  },
  {
    what: 'empty folder of images',
    words: ['train', '--model', 'preresnet-20', '--data', at('empty'), '--steps', '1', '--output', at('run')],
    status: 1,
    code: 'ERR_DATASET',
    says: /empty/,
  },
  {
    what: 'classes without images',
    words: ['train', '--model', 'preresnet-20', '--data', at('classless'), '--steps', '1', '--output', at('run')],
    status: 1,
    code: 'ERR_DATASET',
    says: /classless/,
  },
  {
    what: 'missing archive',
    words: ['train', '--model', 'preresnet-20', '--data', `cifar10:${at('nowhere')}`, '--steps', '1', '--output', at('run')],
    status: 1,
    code: 'ERR_FILE',
    says: /nowhere/,
  },
  { what: 'batch larger than the data', words: train('--batch', '100000'), status: 1, code: 'ERR_DATASET', says: /100000/ },
  { what: 'missing model', words: ['predict', at('nowhere.safetensors'), at('text.jpg')], status: 1, code: 'ERR_FILE', says: /nowhere\.safetensors/ },
  { what: 'truncated model', words: ['predict', at('truncated.safetensors'), at('text.jpg')], status: 1, code: 'ERR_FILE', says: /truncated/ },
  {
    what: 'safetensors that are no model',
    words: ['predict', at('foreign.safetensors'), at('text.jpg')],
    status: 1,
    code: 'ERR_FILE',
    says: /foreign\.safetensors.*preresnet/,
  },
  { what: 'missing model for eval', words: ['eval', at('nowhere.safetensors'), '--data', 'digits'], status: 1, code: 'ERR_FILE', says: /nowhere\.safetensors/ },
  {
    what: 'pack --verify with an option of writing',
    words: ['pack', 'a.tar', '--verify', '--side', '8'],
    status: 2,
    code: 'ERR_OPTION',
    says: /--side .*--verify/,
  },
  {
    what: 'pack --verify of no archive',
    words: ['pack', `packed:${at('empty')}`, '--verify'],
    status: 1,
    code: 'ERR_FILE',
    says: /[^:]\/[^:]*empty\.index: .*`pack`/,
  },
  {
    what: 'page of data in a missing folder',
    words: ['data', 'inspect', '--data', 'digits', '--output', at('nowhere/page.html')],
    status: 1,
    code: 'ERR_FILE',
    says: /nowhere\/page\.html: could not write: no such file or directory/,
  },
  {
    what: 'more workers than there can be',
    words: ['bench', 'data', '--data', 'digits', '--worker-counts', '1,257'],
    status: 2,
    code: 'ERR_OPTION',
    says: /--worker-counts: expected an integer from 1 to 256, got 257/,
  },
  {
    what: 'crops of no area',
    words: ['data', 'inspect', '--data', at('empty'), '--random-resized-crop', '--area', '0,1'],
    status: 2,
    code: 'ERR_OPTION',
    says: /--area: expected a number above 0 and at most 1, got 0 /,
  },
  {
    what: 'rescan of what is only compared',
    words: ['pack', 'a.tar', '--verify', '--rescan'],
    status: 2,
    code: 'ERR_OPTION',
    says: /--rescan .*--verify/,
  },
  { what: 'head without a model', words: train('--except', 'head'), status: 2, code: 'ERR_OPTION', says: /--except: expected --from with it, got none/ },
  {
    what: 'evaluation on images larger than any',
    words: ['eval', at('foreign.safetensors'), '--data', 'digits', '--size', '65537'],
    status: 2,
    code: 'ERR_OPTION',
    says: /--size: expected an integer from 1 to 65536, got 65537/,
  },
  {
    what: 'text as an ONNX file',
    words: ['import', at('text.jpg'), '--from', 'onnx'],
    status: 1,
    code: 'ERR_FILE',
    says: /text\.jpg: byte 0: .*; is it an ONNX file\?/,
  },
  {
    what: 'import over the file that is read',
    words: ['import', at('foreign.safetensors'), '--from', 'timm', '--output', at('empty/../linked.safetensors')],
    status: 2,
    code: 'ERR_OPTION',
    says: /--output: expected another file than the one that is read, got .*linked\.safetensors, which is .*foreign\.safetensors/,
  },
  {
    what: 'export over the file that is read',
    words: ['export', at('foreign.safetensors'), '--format', 'onnx', '--output', at('foreign.safetensors')],
    status: 2,
    code: 'ERR_OPTION',
    says: /--output: expected another file than the one that is read/,
  },
  {
    what: 'pack over the tar that is read',
    words: ['pack', `tar:${at('images.tar')}`, at('images.tar'), '--raw', '8'],
    status: 2,
    code: 'ERR_OPTION',
    says: /pack: expected another file than the one that is read, got .*images\.tar, which is .*images\.tar/,
  },
  { what: 'no run to report', words: ['report', at('empty')], status: 1, code: 'ERR_FILE', says: /metrics\.jsonl.*directory of a run/ },
]

for (const { what, words, status, code, says } of cases) {
  test(`${what}: ${code}`, async (t) => {
    // Cases run at the same time, and a directory of output has one run at a time.
    const outcome = await preresnet(words.map((word) => (word === at('run') ? at(`run of ${what}`) : word)))
    t.is(outcome.stdout, '')
    t.regex(outcome.stderr, new RegExp(`^preresnet: ${code}: [^\\n]+\\n$`))
    t.regex(outcome.stderr, says)
    t.is(outcome.status, status)
  })
}

test('PRERESNET_DEBUG shows where', async (t) => {
  const { stderr, status } = await preresnet(['summary', 'preresnet-163'], { env: { PRERESNET_DEBUG: '1' } })
  t.regex(stderr, /^preresnet: ERR_OPTION: .*\n.*PreresnetError.*\n {4}at /)
  t.is(status, 2)
})

const second = { RANK: '1', WORLD_SIZE: '2', LOCAL_RANK: '1' }

test('a process of a run that is not the first of its machine tells its own failure, once the first has had the time to end it', async (t) => {
  const starting = performance.now()
  const outcome = await preresnet(['train', 'preresnet-163'], { env: second })
  t.regex(outcome.stderr, /^preresnet: rank 1 of 2: ERR_OPTION: too many arguments[^\n]*\n$/)
  t.is(outcome.stdout, '')
  t.is(outcome.status, 2)
  t.true(performance.now() - starting > 2_000)
})

test('a command that is no run tells its failure in every process: nobody ends the others', async (t) => {
  const outcome = await preresnet(['summary', 'preresnet-163'], { env: second })
  t.regex(outcome.stderr, /^preresnet: ERR_OPTION: .*preresnet-163[^\n]*\n$/)
  t.is(outcome.stdout, '')
  t.is(outcome.status, 2)
})
