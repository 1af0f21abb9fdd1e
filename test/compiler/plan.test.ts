/** Invariants of every compiled program, checked without running it. */
import test from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import { contracts } from '../../lib/compiler/contracts.js'
import type { CompileOptions } from '../../lib/compiler/options.js'
import type { OperationSpec, ProgramSet, TensorSpec } from '../../lib/compiler/program.js'
import { planReport } from '../../lib/compiler/report.js'
import { buildGraph } from '../../lib/graph/build.js'
import { conv2d, dropout, globalAveragePool, linear, network, type Network } from '../../lib/layers/index.js'
import { preResNet } from '../../lib/models/index.js'

const CASES: readonly (readonly [string, Network])[] = [
  ['preresnet-20', preResNet('preresnet-20', { classes: 10 })],
  ['preresnet-164', preResNet('preresnet-164', { classes: 10 })],
  ['preresnet-50', preResNet('preresnet-50', { classes: 1000 })],
  ...(
    [
      'original',
      'bn-after-addition',
      'relu-before-addition',
      'relu-only-preactivation',
      'exclusive-gating',
      'shortcut-only-gating',
      'conv-shortcut',
      'dropout-shortcut',
    ] as const
  ).map((unit): readonly [string, Network] => [unit, preResNet({ family: 'cifar', depth: 20, block: 'basic', unit, classes: 10 })]),
]

function options(net: Network, more: Partial<CompileOptions> = {}): CompileOptions {
  const graph = buildGraph(net)
  return {
    device: 'cpu',
    precision: 'fp32',
    batch: 4,
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'images', height: net.input.height, width: net.input.width, pad: 4, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: { momentum: 0.9, nesterov: false, clipNorm: 0, settings: Object.fromEntries(graph.parameters.map(({ name }) => [name, { decay: 1e-4, rate: 1 }])) },
    ...more,
  }
}

async function compiled(net: Network, more: Partial<CompileOptions> = {}): Promise<ProgramSet> {
  return compilePrograms(buildGraph(net), options(net, more))
}

function touched(set: ProgramSet, operation: OperationSpec): { tensor: TensorSpec; index: number; role: string }[] {
  const contract = contracts[operation.op as keyof typeof contracts] as { operands: Record<string, { role: string }> }
  return Object.entries(operation.operands).flatMap(([key, value]) =>
    [value].flat().map((index) => ({ tensor: set.tensors[index]!, index, role: contract.operands[key]!.role })),
  )
}

const PLACES = [{}, { device: 'cuda', precision: 'fp16' }, { device: 'cuda', precision: 'bf16' }] as const

for (const [name, net, place] of CASES.flatMap(([network, net]) =>
  PLACES.map((at) => [`${network} ${Object.values(at).join(' ')}`.trim(), net, at] as const),
)) {
  test(`${name}: everything is written before it is read, and nothing that is still needed is overwritten`, async (t) => {
    const set = await compiled(net, place)
    for (const program of Object.values(set.programs)) {
      const lifetimes = new Map<number, { first: number; last: number }>()
      program.operations.forEach((operation, at) => {
        for (const { tensor, index, role } of touched(set, operation)) {
          t.true(tensor.offset % 64 === 0 && tensor.offset + tensor.bytes <= set.arenas[tensor.arena]!, `${tensor.name} lies in its arena`)
          if (tensor.arena !== 'activations') continue
          const life = lifetimes.get(index)
          if (life === undefined) {
            t.is(role, 'out', `${program.name} ${operation.op} ${operation.name} reads ${tensor.name} before it is written`)
            lifetimes.set(index, { first: at, last: at })
          } else {
            t.is(role, 'in', `${operation.name} writes ${tensor.name} a second time`)
            life.last = at
          }
        }
      })
      const live = [...lifetimes].map(([index, life]) => ({ ...life, tensor: set.tensors[index]! })).sort((a, b) => a.tensor.offset - b.tensor.offset)
      for (let i = 0; i < live.length; i++) {
        for (let j = i + 1; j < live.length && live[j]!.tensor.offset < live[i]!.tensor.offset + live[i]!.tensor.bytes; j++) {
          t.true(
            live[j]!.first > live[i]!.last || live[i]!.first > live[j]!.last,
            `${live[i]!.tensor.name} and ${live[j]!.tensor.name} share memory while both live`,
          )
        }
      }
    }
  })

  test(`${name}: every parameter gets exactly one gradient`, async (t) => {
    const set = await compiled(net, place)
    const written = set.programs['train']!.operations.flatMap((operation) =>
      touched(set, operation).filter(({ tensor, role }) => role === 'out' && (tensor.arena === 'gradients' || tensor.arena === 'weightGradients')),
    )
    const names = written.map(({ tensor }) => tensor.name).sort()
    t.deepEqual(
      names,
      buildGraph(net)
        .parameters.map((parameter) => `gradient/${parameter.name}`)
        .sort(),
    )
  })
}

test('a pre-activation bottleneck is three convolutions and three norms, and nothing else', async (t) => {
  const set = await compiled(preResNet('preresnet-164', { classes: 10 }))
  const unit = set.programs['train']!.operations.filter((operation) => operation.phase === 'forward' && operation.name.startsWith('stages.1.blocks.5.'))
  t.deepEqual(
    unit.map((operation) => operation.op),
    ['bn_finalize', 'conv', 'bn_finalize', 'conv', 'bn_finalize', 'conv'],
  )
  t.deepEqual(
    set.programs['train']!.operations.filter((operation) => operation.op === 'pointwise'),
    [],
  )
})

test('the normalised activation is never stored: what is kept is about half', async (t) => {
  const report = planReport(await compiled(preResNet('preresnet-164', { classes: 10 }), { batch: 128 }))
  t.true(report.activationBytes <= 0.55 * report.activationBytesUnfused, `${report.activationBytes} of ${report.activationBytesUnfused}`)
})

test('frozen parameters get no gradient, no velocity and no step', async (t) => {
  const net = preResNet('preresnet-20', { classes: 10 })
  const settings = { 'head.fc.weight': { decay: 0, rate: 1 }, 'head.fc.bias': { decay: 0, rate: 1 } }
  const set = await compiled(net, { update: { momentum: 0.9, nesterov: false, clipNorm: 0, settings } })
  const operations = set.programs['train']!.operations.map((operation) => operation.op)
  t.false(operations.includes('conv_backward'))
  t.is((set.programs['train']!.operations.at(-1)!.attributes['lengths'] as number[]).length, 2)
})

test('batch statistics of a single value are refused', async (t) => {
  const net = preResNet({ family: 'cifar', depth: 20, block: 'basic', classes: 10, input: { height: 4, width: 4, channels: 3 } })
  await t.throwsAsync(compiled(net, { batch: 1, input: { kind: 'tensor' } }), { code: 'ERR_SHAPE', message: /more than one value per channel/ })
})

test('a layer on features that no operation serves is refused by name', async (t) => {
  const layers = { stem: conv2d({ channels: 8, kernel: 3 }), pool: globalAveragePool(), drop: dropout({ rate: 0.5 }), fc: linear({ units: 10 }) }
  await t.throwsAsync(compiled(network({ input: { height: 8, width: 8, channels: 3 }, layers })), {
    code: 'ERR_UNSUPPORTED',
    message: /^drop: .*dropout, got features/,
  })
})

test('Winograd serves 3 x 3 of stride 1, on request nobody, and no network deeper than 512 convolutions', async (t) => {
  const chosen = async (net: Network, more: Partial<CompileOptions> = {}): Promise<string[]> => {
    const set = await compiled(net, { programs: ['evaluate'], ...more })
    const convolutions = set.programs['evaluate']!.operations.filter(({ op }) => op === 'conv')
    return [
      ...new Set(
        convolutions
          .filter(({ attributes }) => attributes['winograd'] === true)
          .map(({ operands, attributes }) => `${set.tensors[operands['w'] as number]!.shape[2]} / ${String(attributes['stride'])}`),
      ),
    ]
  }
  t.deepEqual(await chosen(preResNet('preresnet-50', { classes: 10 })), ['3 / 1'])
  t.deepEqual(await chosen(preResNet('preresnet-50', { classes: 10 }), { convolution: 'direct' }), [])
  t.deepEqual(await chosen(preResNet('preresnet-1001', { classes: 10 })), [])
})
