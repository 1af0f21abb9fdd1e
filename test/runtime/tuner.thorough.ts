import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import { PLAIN, PRECOMPILED, tiersFor, type Site } from '../../lib/compiler/lower/engines.js'
import { sitePrograms } from '../../lib/compiler/tune/site_program.js'
import { tensorsAt } from '../../lib/compiler/operands.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { OperationSpec } from '../../lib/compiler/program.js'
import { PreresnetError } from '../../lib/errors.js'
import { buildGraph } from '../../lib/graph/index.js'
import { preResNet } from '../../lib/models/index.js'
import { emulated } from '../../lib/native/emulation.js'
import { libraryBuild, loadBinding } from '../../lib/native/load.js'
import type { NativeSession } from '../../lib/native/types.js'
import { tune as tuneOnGpu, type Timer, type TunerDevice } from '../../lib/runtime/tuner.js'
import { onGpu } from '../support/emulated.js'

const tune = (...words: Parameters<typeof tuneOnGpu>): ReturnType<typeof tuneOnGpu> => emulated({}, () => tuneOnGpu(...words))

const graph = buildGraph(preResNet({ family: 'cifar', depth: 11, block: 'bottleneck', input: { height: 8, width: 8, channels: 3 }, classes: 10 }))
const chosen: TunerDevice = { precision: 'fp16', architecture: 90, session: {} }
const plan: ProgramOptions = {
  device: 'cuda',
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

/** Instead of a clock: the candidates as they come take 9, 8, 7 ... seconds, so that the last of them wins. */
function countdown(): { timer: Timer; runs: () => number } {
  let runs = 0
  return {
    timer: async (session, program, steps) => {
      await session.run(program, { steps, seed: 1, firstStep: 0, learningRates: new Float64Array() })
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
  const first = await tune(some, chosen, { timer: clock.timer, progress: (done) => told.push(done) })
  t.deepEqual(told, [0, 1, 2, 3, 4])
  t.is(first.timed, 4)
  t.deepEqual(first.notes, [])
  t.deepEqual(Object.keys(first.choices), [...some.keys()])
  for (const [key, site] of some) t.is(first.choices[key]!.tier, Math.max(...tiersFor(90, 'fp16', site, false)) as 0 | 1, key)
  // The emulated device has one engine a tier.
  for (const [key, site] of some)
    t.deepEqual(
      first.found.get(key)!.tried.map(({ tier }) => tier),
      tiersFor(90, 'fp16', site, false),
      key,
    )
  const [words] = Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { places: object }).places)
  for (const word of ['fp16', `preresnet ${loadBinding().version} ${await emulated({}, () => libraryBuild())}`]) t.true(words!.includes(word), word)

  const runs = clock.runs()
  const again = await tune(some, chosen, { timer: clock.timer })
  t.is(clock.runs(), runs)
  t.is(again.timed, 0)
  t.deepEqual(again.choices, first.choices)

  // Other settings are another cache key, and leave this one as it is.
  const other = await tune(new Map([...some].slice(0, 1)), { ...chosen, session: { deterministic: true } }, { timer: clock.timer })
  t.is(other.timed, 1)
  t.is((await tune(some, chosen, { timer: clock.timer })).timed, 0)
})

test.serial('a cache that is corrupt, of another format or with entries that are none is set aside with a word', async (t) => {
  const file = cache()
  const one = new Map([...(await sitesOf())].slice(0, 1))
  const [key] = one.keys()
  const clock = countdown()
  for (const text of ['{"format":1,"places":{', '{"format":99,"places":{}}', 'null']) {
    writeFileSync(file, text)
    const { timed, notes } = await tune(one, chosen, { timer: clock.timer })
    t.is(timed, 1, text)
    t.is(notes.length, 1, text)
    t.true(notes[0]!.includes(file), text)
  }
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { places: Record<string, Record<string, unknown>> }
  for (const entries of Object.values(kept.places)) entries[key!] = { tier: 7, engine: 0, milliseconds: 1 }
  writeFileSync(file, JSON.stringify(kept))
  const { timed, notes } = await tune(one, chosen, { timer: clock.timer })
  t.is(timed, 1)
  t.regex(notes[0]!, /1 entries/)
})

test.serial('a directory that cannot be written costs the memory, not the run', async (t) => {
  const file = cache()
  writeFileSync(join(file, '..', 'blocked'), '')
  process.env['PRERESNET_CACHE'] = join(file, '..', 'blocked')
  const { timed, notes } = await tune(new Map([...(await sitesOf())].slice(0, 1)), chosen, { timer: countdown().timer })
  t.is(timed, 1)
  t.regex(notes.join('\n'), /cannot be written/)
})

/** Programs that run take the seconds that stand here; the others are refused, as engines are that do not exist. */
function table(seconds: Readonly<Record<string, number>>): { timer: Timer; ran: string[] } {
  const ran: string[] = []
  return {
    timer: (_, program) => {
      ran.push(program)
      const time = seconds[program]
      if (time === undefined) return Promise.reject(new PreresnetError('ERR_UNSUPPORTED', 'no such engine'))
      return Promise.resolve(time)
    },
    ran,
  }
}

async function oneOf(wanted: (site: Site) => boolean): Promise<Map<string, Site>> {
  return new Map([...(await sitesOf())].filter(([, site]) => wanted(site)).slice(0, 1))
}

test.serial('a candidate that cannot be built is passed over, and what comes after it is tried', async (t) => {
  cache()
  const sites = await oneOf((site) => tiersFor(90, 'fp16', site, false).length === 1)
  const { timer } = table({ 'tier 0 engine 0': 3, 'tier 0 engine 2': 2, 'tier 0 engine 5': 4 })
  const [found] = (await tune(sites, chosen, { timer })).found.values()
  t.is(found!.engine, 2)
  t.deepEqual(
    found!.tried.map(({ engine }) => engine),
    [0, 2, 5],
  )
})

test.serial("candidates that are far behind are run twice, and two of them in a row end their tier's list", async (t) => {
  cache()
  const sites = await oneOf((site) => tiersFor(90, 'fp16', site, false).length === 2)
  const seconds = { 'tier 0 engine 0': 1, 'tier 0 engine 1': 2.1, 'tier 0 engine 2': 1.9, 'tier 0 engine 3': 3, 'tier 0 engine 4': 3, 'tier 0 engine 5': 0.1 }
  const { timer, ran } = table({ ...seconds, 'tier 1 engine 0': 0.9, 'tier 1 engine 1': 0.8 })
  const [found] = (await tune(sites, chosen, { timer })).found.values()
  t.is(found!.tier, PRECOMPILED)
  t.is(found!.engine, 1)
  const runs = (program: string): number => ran.filter((name) => name === program).length
  t.is(runs('tier 0 engine 0'), 8)
  t.is(runs('tier 0 engine 1'), 3)
  t.is(runs('tier 0 engine 2'), 8)
  t.is(runs('tier 0 engine 5'), 0)
  t.is(runs('tier 1 engine 1'), 8)
})

test.serial('where tuning is ended, what was found until then is remembered', async (t) => {
  cache()
  const some = new Map([...(await sitesOf())].slice(0, 3))
  const ending = new AbortController()
  const { timer } = countdown()
  const progress = (done: number): void => {
    if (done === 2) ending.abort()
  }
  await t.throwsAsync(tune(some, chosen, { timer, signal: ending.signal, progress }), { code: 'ERR_ABORTED' })
  t.is((await tune(some, chosen, { timer })).timed, 1)
})

test.serial('where memory does not suffice for all candidates at once, those that fit by themselves are tried', async (t) => {
  cache()
  const sites = await oneOf((site) => tiersFor(90, 'fp16', site, false).length === 2)
  const binding = loadBinding()
  const createSession = binding.createSession.bind(binding)
  // The first of the second tier wants more than there is.
  const greedy = 'tier 1 engine 0'
  binding.createSession = async (programs, options) => {
    const session = await createSession(programs, options)
    if (programs.includes(greedy)) session.allocate = () => Promise.reject(new PreresnetError('ERR_MEMORY', 'too little'))
    return session
  }
  try {
    const { timer } = table({ 'tier 0 engine 0': 3, 'tier 0 engine 1': 2, [greedy]: 0.1, 'tier 1 engine 1': 1 })
    const [found] = (await tune(sites, chosen, { timer })).found.values()
    t.deepEqual(
      found!.tried.map(({ tier, engine }) => [tier, engine]),
      [
        [0, 0],
        [0, 1],
        [1, 1],
      ],
    )
    t.is(found!.tier, PRECOMPILED)
  } finally {
    Reflect.deleteProperty(binding, 'createSession')
  }
})

test.serial('a candidate that fails where it runs takes the session with it, not the others, and is named', async (t) => {
  cache()
  const sites = await oneOf((site) => tiersFor(90, 'fp16', site, false).length === 2)
  const { timer } = table({ 'tier 0 engine 0': 3, 'tier 1 engine 0': 2, 'tier 1 engine 1': 1 })
  const failing = 'tier 1 engine 0'
  const failed = new Set<NativeSession>()
  const fragile: Timer = (session, program, steps) => {
    if (program === failing) failed.add(session)
    return failed.has(session) ? Promise.reject(new PreresnetError('ERR_DEVICE', 'the device failed')) : timer(session, program, steps)
  }
  const { found, notes } = await tune(sites, chosen, { timer: fragile })
  t.is([...found.values()][0]!.engine, 1)
  t.is(notes.length, 1)
  t.regex(notes[0]!, /tier 1, engine 0 is left out: the device failed/)
  cache()
  const broken: Timer = () => Promise.reject(new PreresnetError('ERR_DEVICE', 'the device is gone'))
  await t.throwsAsync(tune(sites, chosen, { timer: broken }), { code: 'ERR_DEVICE', message: /the device is gone/ })
})

test.serial('all candidates of a site share one session', async (t) => {
  cache()
  const sites = await oneOf((site) => site.pass === 'forward' && tiersFor(90, 'fp16', site, false).length === 2)
  const sessions = new Set<NativeSession>()
  const { timer } = countdown()
  await tune(sites, chosen, {
    timer: (session, program, steps) => {
      sessions.add(session)
      return timer(session, program, steps)
    },
  })
  t.is(sessions.size, 1)
})

test.serial('a compilation tells how far tuning is', async (t) => {
  cache()
  const told: string[] = []
  const network = preResNet({ family: 'cifar', depth: 8, input: { height: 4, width: 4, channels: 3 }, classes: 10 })
  const cuda = { tune: true, onTuning: (done: number, total: number) => void told.push(`${done} of ${total}`) }
  const options = { batch: 1, evaluation: false, cuda } as const
  await using session = await onGpu(network, options)
  t.is(told[0], `0 of ${Object.keys(session.choices!).length}`)
  t.is(told.length, Object.keys(session.choices!).length + 1)
  told.length = 0
  await using again = await onGpu(network, options)
  t.deepEqual(again.choices, session.choices)
  t.deepEqual(told, [])
})

test("a CUDA device's library is known by what is in it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'preresnet-tuner-'))
  const build = async (content: string): Promise<string> => {
    writeFileSync(join(folder, 'preresnet_cuda.so'), content)
    return libraryBuild(folder)
  }
  const first = await build('a')
  t.is(await build('a'), first)
  t.not(await build('b'), first)
  await t.throwsAsync(
    emulated({}, () => libraryBuild(folder)),
    { code: 'ERR_DEVICE' },
  )
})

test('choices decide how a program is lowered', async (t) => {
  const sites = await sitesOf()
  const tiers = async (choices: ProgramOptions['choices']): Promise<number[]> =>
    (await compilePrograms(graph, { ...plan, ...(choices && { choices }) })).programs['train']!.operations.filter((operation) => operation.op === 'conv').map(
      ({ attributes }) => attributes.tier!,
    )
  t.true((await tiers(undefined)).includes(PRECOMPILED))
  const plain = Object.fromEntries([...sites.keys()].map((key) => [key, { tier: PLAIN, engine: 3 } as const]))
  t.deepEqual(new Set(await tiers(plain)), new Set([PLAIN]))
  const [operation] = (await compilePrograms(graph, { ...plan, choices: plain })).programs['train']!.operations.filter((operation) => operation.op === 'conv')
  t.is(operation?.attributes.engine, 3)
})

test("a site's program does the site's work and no other, over as many tensors as no cache holds", async (t) => {
  for (const [key, site] of await sitesOf()) {
    for (const tier of tiersFor(90, 'fp16', site, false)) {
      const choices = [0, 3].map((engine) => ({ tier, engine }))
      const { programs, candidates, repetitions } = sitePrograms(site, choices, { arch: 90, precision: 'fp16', deterministic: false })
      t.deepEqual(
        candidates.map(({ choice }) => choice),
        choices,
      )
      const [operations, others] = candidates.map(({ program }) => programs.programs[program]!.operations) as [OperationSpec[], OperationSpec[]]
      const named = { forward: 'conv', weights: 'conv_backward_weights', data: 'conv_backward_' }[site.pass]
      t.is(
        operations.filter(({ op }) => op.startsWith(named) && (site.pass !== 'data' || op !== 'conv_backward_weights')).length,
        repetitions,
        `${key} ${tier}`,
      )
      t.is(operations.filter(({ op }) => op === 'conv').length, site.pass === 'forward' ? repetitions : 0, `${key} ${tier}`)
      t.true(repetitions > 1, key)
      const reads = operations
        .filter(({ op }) => op.startsWith(named))
        .flatMap(({ operands }) => tensorsAt<number>(operands, site.pass === 'data' ? 'dy' : 'x'))
      t.is(new Set(reads).size, repetitions, `${key} ${tier}: every repetition reads a tensor of its own`)
      const engines = (all: readonly OperationSpec[]): unknown[] => all.flatMap(({ attributes }) => ('engine' in attributes ? attributes.engine : []))
      t.deepEqual(new Set(engines(operations)), new Set([0]), key)
      t.deepEqual(new Set(engines(others)), new Set([3]), key)
      t.is(engines(operations).length, repetitions, key)
    }
  }
})
