/** What the plan says of a step against what the recording runtime saw of it. */
import test from 'ava'
import type { PlanReport } from '../../lib/compiler/report.js'
import { preResNet, type ModelName } from '../../lib/models/index.js'
import { wholeFiles, type Dataset } from '../../lib/data/dataset.js'
import { compile } from '../../lib/runtime/compile.js'
import type { BytesMoved } from '../../lib/native/reports.js'
import { sgd } from '../../lib/training/sgd.js'
import { preresnet } from '../cli/run.js'
import { emulated } from '../../lib/native/emulation.js'

async function planned(...words: string[]): Promise<PlanReport> {
  const { status, stdout, stderr } = await preresnet(['plan', ...words, '--json'])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as PlanReport
}

async function recorded(name: ModelName, classes: number, batch: number): Promise<BytesMoved> {
  const data: Dataset = {
    name: 'none',
    length: batch,
    classes: Array.from({ length: classes }, (_, index) => String(index)),
    labels: new Int32Array(batch),
    source: wholeFiles([]),
    fingerprint: '',
  }
  await using session = await emulated({ recordOnly: true }, () =>
    compile(preResNet(name), {
      data,
      prepare: { evaluate: [], normalization: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] } },
      batch,
      seed: 1,
      optimizer: sgd(),
      device: 'cuda',
      precision: 'fp16',
    }),
  )
  return await session.bytesMoved('train')
}

const cuda = ['--device', 'cuda', '--arch', '90', '--precision', 'fp16']

test('ResNet-200, batch 128: bytes and launches are those of the plan', async (t) => {
  const seen = await recorded('preresnet-200', 1000, 128)
  const plan = await planned('preresnet-200', ...cuda, '--batch', '128')
  t.is(seen.bytesRead + seen.bytesWritten, 103_425_463_664)
  t.is(plan.bytesMoved, 103_425_463_664)
  t.is(plan.bytesRead, seen.bytesRead)
  t.is(plan.launches!.total, seen.launches)
  const { forward, backward } = plan.launches!.convolutions
  t.is(forward + backward, seen.convolutionLaunches)
})

test('CIFAR networks: bytes and launches are those of the plan', async (t) => {
  for (const name of ['preresnet-110', 'preresnet-164'] as const) {
    const seen = await recorded(name, 10, 128)
    const plan = await planned(name, ...cuda, '--batch', '128')
    t.is(plan.bytesMoved, seen.bytesRead + seen.bytesWritten, name)
    t.is(plan.launches!.total, seen.launches, name)
  }
})
