/** Speed and memory of a session's steps: what `preresnet bench` prints. */
import { readFileSync } from 'node:fs'
import { PreresnetError } from '../errors.js'
import type { DeviceName } from '../compiler/program.js'
import { countGraph } from '../graph/index.js'
import type { Network } from '../layers/index.js'
import { loadBinding } from '../native/load.js'
import type { Given } from '../options/spec.js'
import { compile } from '../runtime/compile.js'
import { hasCuda } from '../runtime/cuda.js'
import { chooseDevice } from '../runtime/device.js'
import { inTurn } from '../runtime/internals.js'
import { initialValues } from '../runtime/random.js'
import type { Session } from '../runtime/session.js'
import type { sharedOptions } from '../runtime/session_options.js'
import { sgd } from '../training/sgd.js'
import { shownDevice } from './emulated.js'
import type { Measurement } from './json/bench.js'

interface MeasureOptions extends Given<typeof sharedOptions> {
  readonly work: 'train' | 'infer'
  readonly batch: number
  /** How many compute at a time, each a batch on its share of the threads. */
  readonly sessions: number
  /** How long to measure, without warm-up. */
  readonly seconds: number
}

/**
 * Random values that stay where the program reads them; the first step writes them, later ones only compute.
 *
 * @throws {PreresnetError} `ERR_OPTION` if several sessions are asked for that are not inference on a CPU, or cannot share the threads equally.
 */
export async function measure(network: Network, { work, batch, sessions: count, seconds, ...given }: MeasureOptions): Promise<Measurement> {
  const { system } = loadBinding()
  const threads = given.threads || Number(system['allowedThreads'])
  if (count > 1) checkSessions(count, work, threads, chooseDevice(given.device, given.precision, { hasCuda }).device)
  const idle = residentBytes('VmRSS')
  const options = { ...given, ...(count > 1 && { threads: threads / count }), batch, seed: 1 }
  const open = (): Promise<Session> => compile(network, { ...options, ...(work === 'train' ? { optimizer: sgd() } : { evaluation: false }) })
  return withSessions(count, open, async (sessions) => {
    for (const session of sessions) await firstStep(session, work)
    const speed = await stretches(together(sessions.map((session) => runner(session, work))), batch * count, seconds)
    const session = sessions[0]!
    return {
      network: network.name,
      work,
      batch,
      ...speed,
      peakBytes: residentBytes('VmHWM') - idle,
      ...(session.device === 'cuda' && { deviceBytes: session.memory.total }),
      precision: session.precision,
      precisionReason: session.precisionReason,
      device: shownDevice(session.device),
      threads,
      sessions: count,
      parameters: countGraph(session.graph).parameters,
    }
  })
}

function checkSessions(count: number, work: string, threads: number, device: DeviceName): void {
  if (work !== 'infer') throw new PreresnetError('ERR_OPTION', `bench: several sessions at a time compute inference only, got ${count} that ${work}`)
  if (device === 'cuda') throw new PreresnetError('ERR_OPTION', `bench: several sessions at a time compute on a CPU only, got ${count} on cuda`)
  if (threads % count !== 0) {
    throw new PreresnetError('ERR_OPTION', `bench: expected a number of sessions that divides the ${threads} threads, got ${count}`)
  }
}

/** Sessions are open while `use` runs. */
async function withSessions<T>(count: number, open: () => Promise<Session>, use: (sessions: readonly Session[]) => Promise<T>): Promise<T> {
  const sessions: Session[] = []
  try {
    while (sessions.length < count) sessions.push(await open())
    return await use(sessions)
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()))
  }
}

/** All sides run the same number of steps at a time; resolves with the seconds of the slowest. */
function together(sides: readonly ((steps: number) => Promise<number>)[]): (steps: number) => Promise<number> {
  return async (steps) => Math.max(...(await Promise.all(sides.map((side) => side(steps)))))
}

const learningRate = 0.001

async function firstStep(session: Session, work: 'train' | 'infer'): Promise<void> {
  const { batch, classes } = session
  const { height, width, channels } = session.network.input
  const x = await initialValues({ kind: 'normal', std: 1 }, batch * height * width * channels, session.seed, 'x')
  if (work === 'infer') await session.infer({ x })
  else await session.step({ x, labels: Int32Array.from({ length: batch }, (_, index) => index % classes) }, { learningRate })
}

/** Runs steps in one native call; resolves with the seconds that it took, seen from here. */
function runner(session: Session, work: 'train' | 'infer'): (steps: number) => Promise<number> {
  let done = 1
  return (steps) =>
    inTurn(session, async (native) => {
      const start = performance.now()
      const learningRates = new Float64Array(work === 'train' ? steps : 0).fill(learningRate)
      const { completed } = await native.run(work, { steps, seed: session.seed, firstStep: done, learningRates, checkFinite: work === 'train' })
      if (completed !== steps) throw new PreresnetError('ERR_INTERNAL', `bench: ${completed} of ${steps} steps were completed`)
      done += steps
      return (performance.now() - start) / 1000
    })
}

type Speed = Pick<Measurement, 'imagesPerSecond' | 'median' | 'minimum' | 'maximum' | 'steps'>

/** Stretches of whole steps: ten of them, or as many steps as the time holds, three at least. A fifth of the time goes before, unmeasured. */
async function stretches(run: (steps: number) => Promise<number>, batch: number, seconds: number): Promise<Speed> {
  let step = await run(1)
  for (let warm = step; warm < seconds / 5; warm += step) step = await run(1)
  const length = Math.max(1, Math.round(seconds / 10 / step))
  const times: number[] = []
  let total = 0
  while (total < seconds || times.length < 3) {
    const time = await run(length)
    times.push(time)
    total += time
  }
  const rates = times.map((time) => (length * batch) / time).sort((a, b) => a - b)
  const middle = rates.length >> 1
  const steps = times.length * length
  return {
    imagesPerSecond: (steps * batch) / total,
    median: rates.length % 2 === 1 ? rates[middle]! : (rates[middle - 1]! + rates[middle]!) / 2,
    minimum: rates[0]!,
    maximum: rates.at(-1)!,
    steps,
  }
}

/** VmRSS is the size now, VmHWM the highest so far. */
function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  if (kilobytes === undefined) throw new PreresnetError('ERR_INTERNAL', `bench: /proc/self/status says no ${field}`)
  return Number(kilobytes) * 1024
}
