/** What `--json` promises: a schema for every command, kept beside its documentation, that what is printed keeps to. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { commonOptions } from '../../lib/cli/command.js'
import { commands } from '../../lib/cli/commands.js'
import { documentSchema } from '../../lib/cli/json/document.js'
import { evalDocument } from '../../lib/cli/json/eval.js'
import { planDocument } from '../../lib/cli/json/plan.js'
import { packageFolder } from '../../lib/package.js'
import { compile } from '../../lib/runtime/compile.js'
import { temporaryFolder } from '../support/folder.js'
import { violations } from '../support/json_schema.js'
import { tiny } from '../training/tiny.js'
import { goldenDirectory, preresnet } from './run.js'

const root = packageFolder()

interface Node {
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly items?: Node
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Node
}

/** A schema and all that are within it, by path. */
function nodes(schema: Node, path: string): (readonly [path: string, node: Node])[] {
  const within = [
    ...Object.entries(schema.properties ?? {}).map(([name, inner]) => [`${path}.${name}`, inner] as const),
    ...[schema.items ?? [], schema.additionalProperties ?? []].flat().map((inner) => [`${path}[]`, inner] as const),
  ]
  return [[path, schema], ...within.flatMap(([name, inner]) => nodes(inner, name))]
}

test('docs/json.md and the schemas beside it are those of lib/cli/json', async (t) => {
  await t.notThrowsAsync(promisify(execFile)(process.execPath, ['scripts/json.mjs', '--check'], { cwd: root }))
})

test('every command has --json, and a schema that the package ships', (t) => {
  t.is(commonOptions.json.flag?.metavar, null)
  const page = readFileSync(join(root, 'docs/json.md'), 'utf8')
  for (const { name, json } of commands) {
    t.is(json.name, name)
    t.true(existsSync(join(root, `docs/json/${name.replaceAll(' ', '-')}.schema.json`)), name)
    t.true(page.includes(`\n## ${name}\n`), name)
  }
})

test('schemas say what every field is, in a sentence; what every number counts from; and every object its version', (t) => {
  for (const { name, json } of commands) {
    const schema = documentSchema(json) as Node
    const top = json.many ? schema.items! : schema
    t.like(top.properties, { schemaVersion: { const: json.version } })
    t.is(top.required?.[0], 'schemaVersion')
    for (const [path, node] of nodes(schema, name)) {
      t.regex(node.description ?? '', /^[A-Z].*\.$/s, path)
      if ([node.type].flat().some((type) => type === 'integer' || type === 'number')) t.is(typeof (node.minimum ?? node.exclusiveMinimum), 'number', path)
    }
  }
})

test('a field that a schema does not name, one that is missing and one of another type are found', (t) => {
  const schema = documentSchema(evalDocument)
  const right = {
    schemaVersion: 1,
    model: 'm',
    data: 'd',
    device: 'cpu',
    precision: 'fp32',
    ...{
      samples: 2,
      corruptImages: 0,
      dataSeconds: 0,
      loss: null,
      top1Errors: 1,
      top5Errors: 0,
      top1Error: 0.5,
      top5Error: 0,
      top1Accuracy: 0.5,
      top5Accuracy: 1,
      seconds: 0.1,
    },
    confusion: { classes: ['a'], counts: [[2]] },
  }
  t.deepEqual(violations(schema, right), [])
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ top1: 1 }, /^\$\.top1: is not in the schema/],
    [{ confusion: { classes: ['a'], counts: [[2]], total: 2 } }, /^\$\.confusion\.total: is not in the schema/],
    [{ schemaVersion: 2 }, /^\$\.schemaVersion: expected 1, got 2$/],
    [{ samples: 1.5 }, /^\$\.samples: expected integer, got 1.5$/],
    [{ samples: -1 }, /^\$\.samples: expected at least 0, got -1$/],
    [{ top1Error: 2 }, /^\$\.top1Error: expected at most 1, got 2$/],
    [{ loss: 'none' }, /^\$\.loss: expected number or null, got "none"$/],
    [{ device: 'tpu' }, /^\$\.device: expected one of .*, got "tpu"$/],
    [{ confusion: { classes: ['a'], counts: [['2']] } }, /^\$\.confusion\.counts\[0\]\[0\]: expected integer, got "2"$/],
  ]
  for (const [change, said] of wrong) {
    const found = violations(schema, { ...right, ...change })
    t.is(found.length, 1, String(said))
    t.regex(found[0]!, said)
  }
  const { data: _, ...without } = right
  t.deepEqual(violations(schema, without), ['$.data: is missing'])
  t.regex(violations(documentSchema(planDocument), {}).join('\n'), /^\$\.arenas: is missing$/m)
})

const small = ['--family', 'cifar', '--depth', '8', '--widths', '16,16,32', '--image', '8', '--threads', '1']

/** `preresnet` judges each by its schema; here is that it printed one, with a version first. */
const light: Readonly<Record<string, readonly string[]>> = {
  'a summary': ['summary', ...small.slice(0, -2)],
  'a program for a CPU': ['plan', ...small, '--batch', '2'],
  'a program for a GPU': ['plan', ...small, '--batch', '2', '--device', 'cuda', '--precision', 'fp16', '--program', 'infer'],
  'what is there': ['doctor'],
}

for (const [what, words] of Object.entries(light)) {
  test(`${what} keeps to its schema`, async (t) => {
    const { status, stdout, stderr } = await preresnet([...words, '--json'])
    t.is(status, 0, stderr)
    t.regex(stdout, /^\{\n {2}"schemaVersion": 1,\n/)
  })
}

test('what is there without the addon keeps to its schema', async (t) => {
  const { status, stdout } = await preresnet(['doctor', '--json'], { env: { PRERESNET_BINDING: '/nowhere/preresnet.node' } })
  t.is(status, 1)
  t.like(JSON.parse(stdout), { schemaVersion: 1, ok: false, system: {} })
})

test('a missing case of the goldens keeps to its schema', async (t) => {
  const folder = await temporaryFolder(t)
  const { status, stdout } = await preresnet(['goldens', folder, '--json'])
  t.is(status, 1)
  t.like(JSON.parse(stdout), { schemaVersion: 1, passed: false, compared: 0 })
  t.true(existsSync(goldenDirectory))
})

test('each entry of predict has the version, also of a file that is no image', async (t) => {
  const folder = await temporaryFolder(t)
  const [model, image] = [join(folder, 'model.safetensors'), join(folder, 'broken.png')]
  await using session = await compile(tiny(), { prepare: { normalization: { mean: [0.1], std: [0.3] } }, batch: 2, seed: 1, threads: 1, precision: 'fp32' })
  await session.save(model)
  await writeFile(image, 'no image')
  const { status, stdout } = await preresnet(['predict', model, image, join(folder, 'nowhere.png'), '--threads', '1', '--json'])
  t.is(status, 1)
  const entries = JSON.parse(stdout) as readonly object[]
  t.is(entries.length, 2)
  t.like(entries[0], { schemaVersion: 1, image, error: { code: 'ERR_IMAGE' } })
  t.like(entries[1], { schemaVersion: 1, error: { code: 'ERR_FILE' } })
})

test('the page of a run keeps to its schema; a result of before schemas is read', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'metrics.jsonl'), `${JSON.stringify({ kind: 'train', step: 1, loss: 2 })}\n`)
  await writeFile(join(folder, 'manifest.json'), '{}')
  const result = { outcome: 'completed', network: 'n', data: 'd', device: 'cpu', precision: 'fp32', steps: 1, seconds: 2, testErrors: null, top1Error: null }
  await writeFile(join(folder, 'result.json'), JSON.stringify(result))
  const { status, stdout, stderr } = await preresnet(['report', folder, '--json'])
  t.is(status, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { schemaVersion: 1, report: join(folder, 'report.html') })
  t.regex(await readFile(join(folder, 'report.html'), 'utf8'), /n on d: completed after 1 steps/)
})
