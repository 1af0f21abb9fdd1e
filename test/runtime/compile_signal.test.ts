/** `compile` ends soon after its signal says so, in whatever part of its work that finds it. */
import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { compilePrograms, serializePrograms } from '../../lib/compiler/compile.js'
import { buildGraph } from '../../lib/graph/index.js'
import type { Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'
import { loadBinding } from '../../lib/native/load.js'
import type { NativeSession } from '../../lib/native/types.js'
import { compile } from '../../lib/runtime/compile.js'

const reason = new Error('enough')
/** Takes many slices of work to compile. */
const deep = (): Network => preResNet('preresnet-164')
const small = (): Network => preResNet('preresnet-20')
const settings = { batch: 2, threads: 1, precision: 'fp32' } as const

/** Counts the native sessions that are asked for, and lets a test look in when one is. */
const native = loadBinding()
const original = native.createSession.bind(native)
let asked = 0
let whenAsked: (making: Promise<NativeSession>) => Promise<NativeSession> = (making) => making
native.createSession = (...words) => {
  asked++
  return whenAsked(original(...words))
}
test.beforeEach(() => {
  asked = 0
  whenAsked = (making) => making
})

test.serial('before it has begun', async (t) => {
  const error = await t.throwsAsync(compile(deep(), { ...settings, signal: AbortSignal.abort(reason) }), { code: 'ERR_ABORTED', message: 'aborted: enough' })
  t.is(error.cause, reason)
  t.is(asked, 0)
})

test.serial('while programs are compiled', async (t) => {
  const controller = new AbortController()
  const compiling = compile(deep(), { ...settings, signal: controller.signal })
  await nextTurn()
  controller.abort(reason)
  const error = await t.throwsAsync(compiling, { code: 'ERR_ABORTED' })
  t.is(error.cause, reason)
  t.is(asked, 0)
})

test.serial('while the session is prepared natively', async (t) => {
  const controller = new AbortController()
  let session: NativeSession | undefined
  whenAsked = async (making) => {
    controller.abort(reason)
    return (session = await making)
  }
  const error = await t.throwsAsync(compile(small(), { ...settings, signal: controller.signal }), { code: 'ERR_ABORTED' })
  t.is(error.cause, reason)
  t.is(session, undefined)
})

test.serial('while start values are written; the session is disposed of', async (t) => {
  const controller = new AbortController()
  let [writes, disposals] = [0, 0]
  whenAsked = async (making) => {
    const session = await making
    const [write, dispose] = [session.write.bind(session), session.dispose.bind(session)]
    session.write = (...words) => {
      writes++
      controller.abort(reason)
      return write(...words)
    }
    session.dispose = () => {
      disposals++
      return dispose()
    }
    return session
  }
  await t.throwsAsync(compile(small(), { ...settings, signal: controller.signal }), { code: 'ERR_ABORTED' })
  t.is(writes, 1)
  t.is(disposals, 1)
})

test.serial('a signal that says nothing changes nothing', async (t) => {
  const { signal } = new AbortController()
  await using session = await compile(small(), { ...settings, signal })
  t.is(session.stepIndex, 0)
})

test.serial('what is no signal is refused', async (t) => {
  await t.throwsAsync(compile(small(), { ...settings, signal: {} as never }), { code: 'ERR_OPTION', message: /compile: signal: expected an AbortSignal/ })
})

test.serial('the native side ends between two operations', async (t) => {
  const network = small()
  const set = await compilePrograms(buildGraph(network), {
    device: 'cpu',
    precision: 'fp32',
    batch: 2,
    programs: ['infer'],
    input: { kind: 'tensor' },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
  })
  interface Addon {
    createSession(programs: string, options: object, begun: (cancel: () => void) => void): Promise<unknown>
  }
  const file = process.env['PRERESNET_BINDING'] ?? new URL('../../../build/Release/preresnet.node', import.meta.url).pathname
  const addon = createRequire(import.meta.url)(file) as Addon
  const making = addon.createSession(await serializePrograms(set), { threads: 1 }, (cancel) => cancel())
  await t.throwsAsync(making, { code: 'ERR_ABORTED', message: /ended while it was prepared/ })
})
