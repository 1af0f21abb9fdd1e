/** Invariants of every compiled program, checked without running it. */
import test from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import { tensorsWithRoles } from '../../lib/compiler/operands.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { OperationSpec, ProgramSet, TensorSpec } from '../../lib/compiler/program.js'
import { planReport } from '../../lib/compiler/report.js'
import { buildGraph } from '../../lib/graph/build.js'
import { conv2d, dropout, globalAveragePool, linear, network, relu, residual, type Network } from '../../lib/layers/index.js'
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

function options(net: Network, more: Partial<ProgramOptions> = {}): ProgramOptions {
  const graph = buildGraph(net)
  return {
    device: 'cpu',
    precision: 'fp32',
    batch: 4,
    programs: ['train', 'evaluate', 'infer'],
    input: { kind: 'images', height: net.input.height, width: net.input.width, pad: 4, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    loss: { kind: 'crossEntropy', smoothing: 0, softTargets: false },
    update: { momentum: 0.9, nesterov: false, clipNorm: 0, settings: Object.fromEntries(graph.parameters.map(({ name }) => [name, { decay: 1e-4, rate: 1 }])) },
    ...more,
  }
}

async function compiled(net: Network, more: Partial<ProgramOptions> = {}): Promise<ProgramSet> {
  return compilePrograms(buildGraph(net), options(net, more))
}

function touched(set: ProgramSet, operation: OperationSpec): { tensor: TensorSpec; index: number; role: string }[] {
  return tensorsWithRoles<number>(operation.op, operation.operands).map(([index, role]) => ({ tensor: set.tensors[index]!, index, role }))
}

const PLACES = [{}, { device: 'cuda', precision: 'fp16' }, { device: 'cuda', precision: 'bf16' }] as const

for (const [name, net, chosen] of CASES.flatMap(([network, net]) =>
  PLACES.map((at) => [`${network} ${Object.values(at).join(' ')}`.trim(), net, at] as const),
)) {
  test(`${name}: everything is written before it is read, and nothing that is still needed is overwritten`, async (t) => {
    const set = await compiled(net, chosen)
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
    const set = await compiled(net, chosen)
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

/** Bytes that live at the busiest operation: no plan can do with fewer. Gradients live on where they share the arena. */
function leastBytes(set: ProgramSet): number {
  const { operations } = set.programs['train']!
  const lives = new Map<number, { first: number; last: number }>()
  operations.forEach((operation, at) => {
    for (const { tensor, index } of touched(set, operation)) {
      const gradient = set.gradientsAt !== undefined && tensor.name.startsWith('gradient/')
      if (tensor.arena !== 'activations' && !gradient) continue
      const life = lives.get(index)
      if (life === undefined) lives.set(index, { first: at, last: gradient ? operations.length : at })
      else life.last = Math.max(life.last, at)
    }
  })
  const change = new Array<number>(operations.length + 2).fill(0)
  for (const [index, { first, last }] of lives) {
    change[first]! += set.tensors[index]!.bytes
    change[last + 1]! -= set.tensors[index]!.bytes
  }
  let living = 0
  return Math.max(...change.map((bytes) => (living += bytes)))
}

for (const [name, batch, chosen] of [
  ['preresnet-164', 128, {}],
  ['preresnet-164', 128, { precision: 'bf16', activationCheckpointing: 4 }],
  ['preresnet-50', 16, { precision: 'bf16' }],
  ['preresnet-200', 8, { precision: 'bf16' }],
  ['preresnet-200', 8, { precision: 'bf16', activationCheckpointing: 4 }],
  ['preresnet-200', 128, { device: 'cuda', precision: 'fp16' }],
] as const) {
  test(`${name} ${Object.values(chosen).join(' ')}: the arena is hardly larger than what lives at once`, async (t) => {
    const set = await compiled(preResNet(name, { classes: 1000 }), { ...chosen, batch, programs: ['train'] })
    const [arena, least] = [set.arenas['activations']!, leastBytes(set)]
    t.true(arena >= least && arena < 1.02 * least, `${arena} bytes for ${least}`)
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

/** Convolutions of a program by their layer: what of the layers behind each became part of it. */
function folded(set: ProgramSet, program: string): Record<string, string> {
  const convolutions = set.programs[program]!.operations.filter((operation) => operation.op === 'conv')
  return Object.fromEntries(
    convolutions.map(({ name, operands, attributes }) => [
      name,
      ['yScale' in operands && 'norm', 'residual' in operands && 'residual', attributes.relu === true && 'relu', attributes.xRelu === true && 'reads relu']
        .filter(Boolean)
        .join(' '),
    ]),
  )
}

test('without a backward pass a norm and a ReLU that alone read a convolution are part of it', async (t) => {
  const net = preResNet('preresnet-164', { classes: 10 })
  for (const program of ['evaluate', 'infer']) {
    const set = await compiled(net)
    const of = folded(set, program)
    t.is(of['stages.1.blocks.5.conv1'], 'norm relu reads relu')
    t.is(of['stages.1.blocks.5.conv2'], 'norm relu')
    t.is(of['stages.1.blocks.5.conv3'], 'residual')
    t.deepEqual(
      set.programs[program]!.operations.filter(({ op }) => op === 'pointwise'),
      [],
    )
  }
  t.false(Object.values(folded(await compiled(net), 'train')).some((text) => /norm| relu/.test(text.replace('reads relu', ''))))
})

test('a post-activation network is convolutions alone when it infers', async (t) => {
  const set = await compiled(preResNet({ family: 'cifar', depth: 20, block: 'basic', unit: 'original', classes: 10 }), { programs: ['infer'] })
  const of = folded(set, 'infer')
  t.is(of['stages.1.blocks.1.conv1'], 'norm relu')
  t.is(of['stages.1.blocks.1.conv2'], 'norm residual relu')
  t.deepEqual(
    [...new Set(set.programs['infer']!.operations.map(({ op }) => op))],
    ['input', 'bn_finalize', 'conv', 'bn_relu_global_average_pool', 'linear', 'softmax'],
  )
})

/** A ReLU or a sum must not be written over what somebody else reads, through whatever changes nothing on the way. */
test('a convolution that several read stays what it is', async (t) => {
  const conv = (): ReturnType<typeof conv2d> => conv2d({ channels: 8, kernel: 3 })
  // When nothing is trained, dropout is nothing: the ReLU alone reads it, and yet not alone the convolution.
  const split = residual({ branch: [dropout({ rate: 0.5 }), relu(), conv()] })
  const tail = { pool: globalAveragePool(), fc: linear({ units: 10 }) }
  for (const between of [[], [dropout({ rate: 0.5 })]]) {
    const net = network({ input: { height: 8, width: 8, channels: 3 }, layers: { stem: conv(), between, split, ...tail } })
    const of = folded(await compiled(net, { programs: ['infer'] }), 'infer')
    t.is(of['stem'], '')
    t.deepEqual(Object.values(of), ['', 'residual reads relu'])
  }
})

test('the normalized activation is never stored: what is kept is about half', async (t) => {
  const report = planReport(await compiled(preResNet('preresnet-164', { classes: 10 }), { batch: 128 }))
  t.true(report.activationBytes <= 0.55 * report.activationBytesUnfused, `${report.activationBytes} of ${report.activationBytesUnfused}`)
})

test('frozen parameters get no gradient, no velocity and no step', async (t) => {
  const net = preResNet('preresnet-20', { classes: 10 })
  const settings = { 'head.fc.weight': { decay: 0, rate: 1 }, 'head.fc.bias': { decay: 0, rate: 1 } }
  const set = await compiled(net, { update: { momentum: 0.9, nesterov: false, clipNorm: 0, settings } })
  const operations = set.programs['train']!.operations.map((operation) => operation.op)
  t.false(operations.includes('conv_backward'))
  const sgd = set.programs['train']!.operations.at(-1)!
  t.is(sgd.op === 'sgd' ? sgd.attributes.lengths.length : sgd.op, 2)
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
  const chosen = async (net: Network, more: Partial<ProgramOptions> = {}): Promise<string[]> => {
    const set = await compiled(net, { programs: ['evaluate'], ...more })
    const convolutions = set.programs['evaluate']!.operations.filter((operation) => operation.op === 'conv')
    return [
      ...new Set(
        convolutions
          .filter(({ attributes }) => attributes.winograd === true)
          .map(({ operands, attributes }) => `${set.tensors[operands.w]!.shape[2]} / ${String(attributes.stride)}`),
      ),
    ]
  }
  t.deepEqual(await chosen(preResNet('preresnet-50', { classes: 10 })), ['3 / 1'])
  t.deepEqual(await chosen(preResNet('preresnet-50', { classes: 10 }), { convolution: 'direct' }), [])
  t.deepEqual(await chosen(preResNet('preresnet-1001', { classes: 10 })), [])
})
