// Networks of timm and torchvision with random weights come in, from safetensors and .pth, answer as they do in PyTorch, and go out again.
//   node scripts/verify/exchange.mjs [--size 224] [LIBRARY/NAME...]
// Needs .venv (node scripts/pytorch-venv.mjs) with timm, torchvision, safetensors and numpy beside PyTorch.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { exportWeights, importWeights } from '../../dist/lib/exchange/index.js'
import { readSafetensors } from '../../dist/lib/formats/index.js'
import { compile, networkFromJson } from '../../dist/lib/index.js'
import { inTurn } from '../../dist/lib/runtime/internals.js'
import { output, run } from '../support/run.mjs'
import { verdict } from './common.mjs'

const all = [
  ...['resnetv2_18', 'resnetv2_34', 'resnetv2_50', 'resnetv2_101', 'resnet50'].map((name) => `timm/${name}`),
  ...[18, 34, 50, 101, 152].map((depth) => `torchvision/resnet${depth}`),
]
const { values, positionals } = parseArgs({ options: { size: { type: 'string', default: '224' } }, allowPositionals: true })
const size = Number(values.size)
const script = join(import.meta.dirname, 'exchange.py')
const folder = mkdtempSync(join(tmpdir(), 'preresnet-exchange-'))

const largest = (numbers) => numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
const error = (got, expected) => largest(expected.map((value, index) => got[index] - value)) / largest(expected)

/** Logits of imported weights on the case's images. */
async function logits(model, network, x, settings) {
  const session = await compile(networkFromJson({ ...network, input: { ...network.input, height: size, width: size } }), {
    batch: 2,
    evaluation: false,
    ...settings,
  })
  try {
    await session.load(model)
    await session.infer({ x })
    return Float64Array.from(await inTurn(session, (native) => native.read('logits')))
  } finally {
    await session.dispose()
  }
}

async function check(which) {
  const [library, name] = which.split('/')
  run('.venv/bin/python', [script, 'make', folder, library, name, values.size])
  const { tensors } = await readSafetensors(join(folder, 'case.safetensors'))
  const [x, single, double] = ['x', 'single', 'double'].map((key) => Float64Array.from(tensors.get(key).data))
  const options = { from: library, preparation: name.startsWith('resnetv2') ? 'timm-resnetv2' : 'torchvision-v2' }
  const imported = await importWeights(join(folder, 'weights.safetensors'), options)
  // The same weights as torch.save writes them.
  const same = isDeepStrictEqual(await importWeights(join(folder, 'weights.pth'), options), imported)
  const model = join(folder, 'model.safetensors')
  await imported.save(model)
  const errors = {
    pytorchSingle: error(single, double),
    reference: error(await logits(model, imported.network, x, { device: 'reference' }), double),
    cpu: error(await logits(model, imported.network, x, { device: 'cpu', precision: 'fp32' }), double),
    cpuDirect: error(await logits(model, imported.network, x, { device: 'cpu', precision: 'fp32', convolution: 'direct' }), double),
  }
  await exportWeights(model, join(folder, 'exported.safetensors'), { to: library })
  const out = JSON.parse(output('.venv/bin/python', [script, 'check', folder, library, name]) ?? '{"failed":true}')
  // Between the two images: errors of a network whose answers are always the same would say little.
  const imagesDiffer = largest(double.subarray(double.length / 2).map((value, index) => value - double[index])) / largest(double)
  const right = (value) => value <= 1e-5 && value <= 3 * errors.pytorchSingle
  const drawn = largest(double) >= 1 && largest(double) <= 100 && imagesDiffer >= 1e-2
  const passed = drawn && same && errors.reference <= 1e-9 && right(errors.cpu) && right(errors.cpuDirect) && out.logits === 0 && out.differing.length === 0
  const result = { network: which, largestLogit: largest(double), imagesDiffer, pthIsTheSame: same, errors, out, passed }
  console.error(JSON.stringify(result))
  return result
}

const results = []
try {
  for (const which of positionals.length > 0 ? positionals : all) results.push(await check(which))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
verdict({ check: 'weights of timm and torchvision', size, results, passed: results.every(({ passed }) => passed) })
