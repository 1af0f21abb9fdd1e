import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import { PLAIN, PRECOMPILED, tiersFor, type Site } from '../../lib/compiler/lower/engines.js'
import { siteProgram } from '../../lib/compiler/tune/site_program.js'
import type { CompileOptions } from '../../lib/compiler/options.js'
import { buildGraph } from '../../lib/graph/index.js'
import { preResNet } from '../../lib/models/index.js'
import type { NativeSession } from '../../lib/runtime/binding.js'
import { tune, type TunerPlace } from '../../lib/runtime/tuner.js'

const graph = buildGraph(preResNet({ family: 'cifar', depth: 11, block: 'bottleneck', input: { height: 8, width: 8, channels: 3 }, classes: 10 }))
const place: TunerPlace = { device: 'cuda-emulated', precision: 'fp16', architecture: 90, session: {} }
const plan: CompileOptions = {
  device: 'cuda-emulated',
  precision: 'fp16',
  batch: 2,
  programs: ['train'],
  input: { kind: 'tensor' },
  loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
  update: {
    momentum: 0.9,
    nesterov: false,
    clipNorm: 0,
    settings: Object.fromEntries(graph.parameters.map(({ name }) => [name, { decay: 0, rate: 1 }])),
  },
}

async function sitesOf(): Promise<Map<string, Site>> {
  const seen = new Map<string, Site>()
  await compilePrograms(graph, plan, seen)
  return seen
}

function cache(): string {
  const directory = mkdtempSync(join(tmpdir(), 'preresnet-tuner-'))
  process.env['PRERESNET_CACHE'] = directory
  return join(directory, 'cuda-tuning.json')
}

/** In place of a clock: the candidates as they come take 9, 8, 7 ... seconds, so that the last of them wins. */
function countdown(): { timer: (session: NativeSession, steps: number) => Promise<number>; runs: () => number } {
  let runs = 0
  return {
    timer: async (session, steps) => {
      await session.run('time', { steps, seed: 1, firstStep: 0, learningRates: new Float64Array() })
      return 1e6 - runs++
    },
    runs: () => runs,
  }
}

test.serial('every distinct layer is timed once, in each tier that it has, and the choice is remembered', async (t) => {
  const file = cache()
  const sites = await sitesOf()
  t.true(sites.size >= 12)
  const some = new Map([...sites].slice(0, 4))
  const clock = countdown()
  const told: number[] = []
  const first = await tune(some, place, { timer: clock.timer, progress: (done) => told.push(done) })
  t.deepEqual(told, [1, 2, 3, 4])
  t.is(first.timed, 4)
  t.deepEqual(first.notes, [])
  t.deepEqual(Object.keys(first.choices), [...some.keys()])
  for (const [key, site] of some) t.is(first.choices[key]!.tier, Math.max(...tiersFor(90, 'fp16', site, false)) as 0 | 1, key)
  t.true(Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { places: object }).places)[0]!.includes('fp16'))

  const runs = clock.runs()
  const again = await tune(some, place, { timer: clock.timer })
  t.is(clock.runs(), runs)
  t.is(again.timed, 0)
  t.deepEqual(again.choices, first.choices)

  // Other settings are another place, and leave this one as it is.
  const other = await tune(new Map([...some].slice(0, 1)), { ...place, session: { deterministic: true } }, { timer: clock.timer })
  t.is(other.timed, 1)
  t.is((await tune(some, place, { timer: clock.timer })).timed, 0)
})

test.serial('a cache that is corrupt, of another format or with entries that are none is set aside with a word', async (t) => {
  const file = cache()
  const one = new Map([...(await sitesOf())].slice(0, 1))
  const [key] = one.keys()
  const clock = countdown()
  for (const text of ['{"format":1,"places":{', '{"format":99,"places":{}}', 'null']) {
    writeFileSync(file, text)
    const { timed, notes } = await tune(one, place, { timer: clock.timer })
    t.is(timed, 1, text)
    t.is(notes.length, 1, text)
    t.true(notes[0]!.includes(file), text)
  }
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { places: Record<string, Record<string, unknown>> }
  for (const entries of Object.values(kept.places)) entries[key!] = { tier: 7, engine: 0, milliseconds: 1 }
  writeFileSync(file, JSON.stringify(kept))
  const { timed, notes } = await tune(one, place, { timer: clock.timer })
  t.is(timed, 1)
  t.regex(notes[0]!, /1 entries/)
})

test.serial('a directory that cannot be written costs the memory, not the run', async (t) => {
  const file = cache()
  writeFileSync(join(file, '..', 'blocked'), '')
  process.env['PRERESNET_CACHE'] = join(file, '..', 'blocked')
  const { timed, notes } = await tune(new Map([...(await sitesOf())].slice(0, 1)), place, { timer: countdown().timer })
  t.is(timed, 1)
  t.regex(notes.join('\n'), /cannot be written/)
})

test('choices decide how a program is lowered', async (t) => {
  const sites = await sitesOf()
  const tiers = async (choices: CompileOptions['choices']): Promise<number[]> =>
    (await compilePrograms(graph, { ...plan, ...(choices && { choices }) })).programs['train']!.operations.filter(({ op }) => op === 'conv').map(
      ({ attributes }) => attributes['tier'] as number,
    )
  t.true((await tiers(undefined)).includes(PRECOMPILED))
  const plain = Object.fromEntries([...sites.keys()].map((key) => [key, { tier: PLAIN, engine: 3 } as const]))
  t.deepEqual(new Set(await tiers(plain)), new Set([PLAIN]))
  const [operation] = (await compilePrograms(graph, { ...plan, choices: plain })).programs['train']!.operations.filter(({ op }) => op === 'conv')
  t.is(operation?.attributes['engine'], 3)
})

test("a site's program does the site's work and no other, over as many tensors as no cache holds", async (t) => {
  for (const [key, site] of await sitesOf()) {
    for (const tier of tiersFor(90, 'fp16', site, false)) {
      const { programs, repetitions } = siteProgram(site, { tier, engine: -1 }, 'cuda-emulated', { arch: 90, precision: 'fp16', deterministic: false })
      const operations = programs.programs['time']!.operations
      const named = { forward: 'conv', weights: 'conv_backward_weights', data: 'conv_backward_' }[site.pass]
      t.is(
        operations.filter(({ op }) => op.startsWith(named) && (site.pass !== 'data' || op !== 'conv_backward_weights')).length,
        repetitions,
        `${key} ${tier}`,
      )
      t.is(operations.filter(({ op }) => op === 'conv').length, site.pass === 'forward' ? repetitions : 0, `${key} ${tier}`)
      t.true(repetitions > 1, key)
      const reads = operations.filter(({ op }) => op.startsWith(named)).map(({ operands }) => operands[site.pass === 'data' ? 'dy' : 'x'])
      t.is(new Set(reads).size, repetitions, `${key} ${tier}: every repetition reads a tensor of its own`)
    }
  }
})
