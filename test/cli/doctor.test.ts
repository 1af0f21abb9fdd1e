import test from 'ava'
import { preresnet } from './run.js'

interface Report {
  readonly ok: boolean
  readonly checks: readonly { readonly what: string; readonly found: string; readonly ok: boolean }[]
  readonly system: Readonly<Record<string, unknown>>
  readonly cuda: { readonly problem: string; readonly devices: readonly unknown[]; readonly verified: readonly unknown[] }
}

test('all is there', async (t) => {
  const { status, stdout, stderr } = await preresnet(['doctor', '--json'])
  t.is(stderr, '')
  t.is(status, 0)
  const report = JSON.parse(stdout) as Report
  t.true(report.ok)
  t.true(report.checks.every(({ ok }) => ok))
  t.deepEqual(report.checks.find(({ what }) => what === 'Node')?.found, process.versions.node)
  t.true(Object.keys(report.system).length > 5)
  for (const library of ['oneDNN', 'highway'])
    t.regex(String(Object.entries(report.system).find(([key]) => key.toLowerCase() === library.toLowerCase())?.[1]), /^\d+\.\d+/)
  // Either a GPU can be used or it is said why not.
  t.is(report.cuda.devices.length === 0, report.cuda.problem !== '')
  t.true(Array.isArray(report.cuda.verified))
})

test('an addon that is missing: status 1, and how to build it', async (t) => {
  const { status, stdout } = await preresnet(['doctor'], { env: { PRERESNET_BINDING: '/nowhere/preresnet.node' } })
  t.is(status, 1)
  t.regex(stdout, /native addon +the native addon is missing: no \/nowhere\/preresnet\.node; PRERESNET_BINDING names it.*MISSING/)
  t.regex(stdout, /CUDA +the native addon is missing.*not yet verified on hardware/)
})
