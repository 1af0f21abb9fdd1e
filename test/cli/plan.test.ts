import test from 'ava'
import type { PlanReport } from '../../lib/compiler/report.js'
import { preresnet } from './run.js'

async function plan(...words: string[]): Promise<PlanReport> {
  const { status, stdout, stderr } = await preresnet(['plan', ...words, '--json'])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as PlanReport
}

test('sums are those of the operations', async (t) => {
  const report = await plan('preresnet-164', '--batch', '128', '--threads', '1')
  const sum = (key: 'bytesRead' | 'bytesWritten') => report.operations.reduce((total, operation) => total + operation[key], 0)
  t.is(report.bytesRead, sum('bytesRead'))
  t.is(report.bytesWritten, sum('bytesWritten'))
  t.is(report.bytesMoved, report.bytesRead + report.bytesWritten)
  t.true(report.scratchBytes > 0)
  t.is(report.peakBytes, report.scratchBytes + Object.values(report.arenas).reduce((total, bytes) => total + bytes, 0))
  t.true(report.activationBytes <= 0.55 * report.activationBytesUnfused)
  t.true(report.operations.some(({ op, fused }) => op === 'conv' && fused.length > 1))
})

test('half as many bytes for activations in bf16', async (t) => {
  const words = ['preresnet-20', '--batch', '8', '--threads', '1']
  const [fp32, bf16] = [await plan(...words), await plan(...words, '--precision', 'bf16')]
  t.true(bf16.activationBytes < 0.51 * fp32.activationBytes)
  t.is(bf16.precision, 'bf16')
})

test('for people', async (t) => {
  const { status, stdout } = await preresnet(['plan', 'preresnet-20', '--batch', '4', '--program', 'infer'])
  t.is(status, 0)
  t.regex(stdout, /^preresnet-20, infer, batch 4, cpu fp32\n\nphase +operation +at +fused +writes +read +written\n/)
  t.regex(stdout, /^all that a session allocates +\d/m)
})
