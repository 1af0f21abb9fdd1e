/** What becomes which launch: rules, choices, and what a unit looks like in each tier. */
import test from 'ava'
import { compilePrograms } from '../../lib/compiler/compile.js'
import { hasPrecompiled, hasRuntimeCompiled, PLAIN, PRECOMPILED, preferredTier, RUNTIME_COMPILED, type Site } from '../../lib/compiler/lower/engines.js'
import { choose, siteKey, type LoweringTarget } from '../../lib/compiler/lower/target.js'
import type { ProgramOptions } from '../../lib/compiler/options.js'
import type { OperationSpec, ProgramSet } from '../../lib/compiler/program.js'
import { planReport } from '../../lib/compiler/report.js'
import { buildGraph } from '../../lib/graph/build.js'
import { preResNet } from '../../lib/models/index.js'
import { compiled, compileOptions, NETWORKS } from '../support/lowered.js'

const net164 = preResNet('preresnet-164', { classes: 10 })

function programsOf(more: Partial<ProgramOptions>, net = net164): Promise<ProgramSet> {
  return compilePrograms(buildGraph(net), compileOptions(net, { device: 'cuda', precision: 'fp16', ...more }))
}

function unit(set: ProgramSet, phase: OperationSpec['phase'], prefix = 'stages.1.blocks.5.', program = 'train'): string[] {
  const mine = set.programs[program]!.operations.filter((operation) => operation.phase === phase && operation.name.startsWith(prefix))
  return mine.map(
    ({ op, name, attributes }) =>
      `${op} ${name.slice(prefix.length)}${'tier' in attributes && attributes['tier'] !== PLAIN ? ` ${String(attributes['tier'])}` : ''}`,
  )
}

test('a bottleneck of precompiled fusions: three convolutions forward, no activation in memory', async (t) => {
  const set = await programsOf({ arch: 90 })
  t.deepEqual(unit(set, 'forward'), [
    'bn_finalize norm1',
    'conv conv1 1',
    'bn_finalize norm2',
    'conv conv2 1',
    'bn_finalize norm3',
    'conv conv3 1',
    'residual_add conv3',
  ])
  t.deepEqual(unit(set, 'backward'), [
    'bn_apply_backward conv3',
    'conv_backward_weights conv3 1',
    'conv_backward_norm conv3 1',
    'bn_apply_backward conv2',
    'conv_backward_weights conv2 1',
    'conv_backward_norm conv2 1',
    'bn_apply_backward conv1',
    'conv_backward_weights conv1 1',
    'conv_backward_norm conv1 1',
  ])
  for (const operation of set.programs['train']!.operations) {
    t.not(operation.op, 'bn_relu')
    t.not(operation.op, 'pointwise')
    if (operation.op !== 'conv') continue
    // Fused convolutions read the scale in the storage type, and the copy of the weights.
    const { w, xScale } = operation.operands
    if (xScale !== undefined) t.is(set.tensors[xScale]!.dtype, 'f16')
    t.is(set.tensors[w]!.arena, 'compute')
  }
})

test('what was fused into a launch is what runs in it', async (t) => {
  const fused = async (precision: 'fp16' | 'bf16'): Promise<unknown> => {
    const { operations } = (await programsOf({ arch: 90, precision })).programs['train']!
    const mine = operations.filter(({ phase, name }) => phase === 'forward' && /^stages\.1\.blocks\.5\.conv[13]$/.test(name))
    return mine.map(({ op, fused }) => [op, ...fused.map((layer) => layer.slice('stages.1.blocks.5.'.length))].join(' '))
  }
  t.deepEqual(await fused('fp16'), ['conv norm1 relu1 conv1', 'conv norm3 relu3 conv3', 'residual_add add'])
  t.deepEqual(await fused('bf16'), ['bn_relu norm1 relu1', 'conv conv1', 'residual_add', 'bn_relu norm3 relu3', 'conv conv3', 'residual_add add'])
})

test('a projection is a fourth convolution; its gradient is added in the fusion, in the convolution of stride 1', async (t) => {
  const set = await programsOf({ arch: 90 })
  const forward = unit(set, 'forward', 'stages.1.blocks.0.')
  t.is(forward.filter((operation) => operation.startsWith('conv ')).length, 4)
  const backward = set.programs['train']!.operations.filter(({ name, phase }) => phase === 'backward' && name.startsWith('stages.1.blocks.0.'))
  t.is(backward.filter(({ op }) => op === 'conv_backward_data').length, 1)
  t.deepEqual(
    backward
      .filter((operation) => operation.op === 'conv_backward_norm')
      .filter(({ operands }) => 'add' in operands)
      .map(({ name, attributes }) => [name, attributes.stride]),
    [['stages.1.blocks.0.conv1', 1]],
  )
})

test('where both convolutions that read the activation are strided, an operation of its own adds', async (t) => {
  const set = await programsOf({ arch: 90 }, preResNet('preresnet-164', { classes: 10, strideOn: 'conv1' }))
  const backward = unit(set, 'backward', 'stages.1.blocks.0.')
  t.is(backward.filter((operation) => operation.startsWith('conv_backward_data ')).length, 2)
  t.is(backward.filter((operation) => operation.startsWith('relu_backward ')).length, 1)
  // The first stage's projection has stride 1.
  t.is(unit(set, 'backward', 'stages.0.blocks.0.').filter((operation) => operation.startsWith('relu_backward ')).length, 0)
})

test('a plain bottleneck writes activations, once forward and once backward, and keeps none', async (t) => {
  const set = await programsOf({ precision: 'bf16' })
  t.deepEqual(unit(set, 'forward'), [
    'bn_finalize norm1',
    'bn_relu conv1',
    'conv conv1',
    'residual_add conv1',
    'bn_finalize norm2',
    'bn_relu conv2',
    'conv conv2',
    'residual_add conv2',
    'bn_finalize norm3',
    'bn_relu conv3',
    'conv conv3',
    'residual_add conv3',
  ])
  t.deepEqual(unit(set, 'backward').slice(0, 6), [
    'bn_apply_backward conv3',
    'bn_relu conv3',
    'conv_backward_weights conv3',
    'conv_backward_data conv3',
    'relu_backward conv3',
    'bn_backward norm3',
  ])
  // Both branches of a projection unit read one activation.
  t.is(unit(set, 'forward', 'stages.1.blocks.0.').filter((operation) => operation.startsWith('bn_relu')).length, 3)
  t.is(unit(set, 'backward', 'stages.1.blocks.0.').filter((operation) => operation.startsWith('bn_relu')).length, 3)
  const [plain, fused] = [planReport(set), planReport(await programsOf({ arch: 90 }))]
  // But for the coefficients of one channel each.
  t.true(Math.abs(plain.activationBytes - fused.activationBytes) < 0.005 * fused.activationBytes)
  t.true(plain.bytesMoved > fused.bytesMoved)
})

test('runtime-compiled fusions take in the residual and its sums', async (t) => {
  const set = await programsOf({ precision: 'bf16', lowering: { precision: 'bf16', tier: RUNTIME_COMPILED } })
  t.deepEqual(unit(set, 'forward'), ['bn_finalize norm1', 'conv conv1 2', 'bn_finalize norm2', 'conv conv2 2', 'bn_finalize norm3', 'conv conv3 2'])
  t.deepEqual(unit(set, 'backward').slice(0, 5), [
    'bn_apply_backward conv3',
    'bn_relu conv3',
    'conv_backward_weights conv3',
    'conv_backward_data conv3 2',
    'bn_backward norm3',
  ])
})

test('inference fuses as training does, and has no sums', async (t) => {
  const set = await programsOf({ arch: 90 })
  const { operations } = set.programs['infer']!
  t.true(operations.some(({ op, attributes }) => op === 'conv' && attributes['tier'] === PRECOMPILED))
  for (const { operands } of operations) t.false('sums' in operands)
})

test('which tier is taken by itself', (t) => {
  const tiers = (precision: 'fp16' | 'bf16' | 'fp32' | 'tf32'): number[] => [75, 80, 86, 89, 90, 100, 120].map((arch) => preferredTier(arch, precision))
  t.deepEqual(tiers('fp16'), [PLAIN, PRECOMPILED, PRECOMPILED, PLAIN, PRECOMPILED, PLAIN, PLAIN])
  for (const precision of ['bf16', 'fp32', 'tf32'] as const) t.deepEqual(tiers(precision), Array(7).fill(PLAIN))
})

const site: Site = {
  pass: 'forward',
  images: 128,
  channels: 64,
  height: 56,
  width: 56,
  outputs: 256,
  outputHeight: 56,
  outputWidth: 56,
  kernel: 1,
  stride: 1,
  padding: 0,
  wants: ['transform'],
}

test('patterns that exist', (t) => {
  t.true(hasPrecompiled(90, 'fp16', site))
  t.false(hasPrecompiled(90, 'bf16', site))
  t.false(hasPrecompiled(100, 'fp16', site))
  t.true(hasPrecompiled(90, 'fp16', { ...site, wants: ['sums'] }))
  t.false(hasPrecompiled(90, 'fp16', { ...site, wants: [] }))
  t.false(hasPrecompiled(90, 'fp16', { ...site, wants: ['sums'], kernel: 7 }))
  t.false(hasPrecompiled(90, 'fp16', { ...site, pass: 'weights', wants: [] }))
  t.true(hasPrecompiled(90, 'fp16', { ...site, pass: 'data', wants: ['add', 'mask', 'sums', 'norm'] }))
  t.false(hasPrecompiled(80, 'fp16', { ...site, pass: 'data', wants: ['add', 'mask', 'sums', 'norm'] }))
  t.false(hasPrecompiled(90, 'fp16', { ...site, pass: 'data', wants: ['add', 'mask', 'sums', 'norm'], stride: 2 }))
  t.true(hasPrecompiled(90, 'fp16', { ...site, pass: 'data', wants: ['mask', 'sums', 'norm'], stride: 2 }))
  t.false(hasPrecompiled(90, 'fp16', { ...site, pass: 'data', wants: ['mask', 'sums'] }))
  t.true(hasRuntimeCompiled('bf16', { ...site, wants: ['transform', 'residual', 'sums'] }))
  t.false(hasRuntimeCompiled('fp32', site))
  t.false(hasRuntimeCompiled('bf16', { ...site, pass: 'weights' }))
  t.true(hasRuntimeCompiled('bf16', { ...site, pass: 'data', wants: ['mask', 'sums'] }))
  t.false(hasRuntimeCompiled('bf16', { ...site, pass: 'data', wants: ['mask', 'sums'], stride: 2 }))
  t.false(hasRuntimeCompiled('bf16', { ...site, pass: 'data', wants: ['add', 'mask', 'sums'] }))
})

test('a choice of the tuner is obeyed, or refused by its key', (t) => {
  const key = siteKey(site)
  t.is(key, 'forward 128 64x56x56 256x56x56 kernel 1 stride 1 padding 0 transform')
  const target: LoweringTarget = { arch: 90, precision: 'fp16', tier: undefined, choices: { [key]: { tier: PLAIN, engine: 3 } }, deterministic: false }
  t.deepEqual(choose(target, site), { tier: PLAIN, engine: 3 })
  t.deepEqual(choose(target, { ...site, images: 64 }), { tier: PRECOMPILED, engine: -1 })
  const impossible = { ...target, precision: 'fp32', choices: { [key]: { tier: PRECOMPILED, engine: 0 } } } as const
  t.throws(() => choose(impossible, site), { code: 'ERR_OPTION', message: /choices\["forward 128 .*tier: expected one whose pattern exists, got 1/ })
})

test('a deterministic session has no runtime-compiled sums', async (t) => {
  const choices = { [siteKey({ ...site, wants: ['transform', 'sums'] })]: { tier: RUNTIME_COMPILED, engine: 0 } } as const
  const target: LoweringTarget = { arch: 90, precision: 'bf16', tier: undefined, choices, deterministic: true }
  t.throws(() => choose(target, { ...site, wants: ['transform', 'sums'] }), { code: 'ERR_OPTION' })
  t.is(choose({ ...target, deterministic: false }, { ...site, wants: ['transform', 'sums'] }).tier, RUNTIME_COMPILED)
  const lowering = { precision: 'bf16', tier: RUNTIME_COMPILED } as const
  const set = await programsOf({ precision: 'bf16', lowering, deterministic: true })
  const fused = set.programs['train']!.operations.filter(({ attributes }) => 'tier' in attributes && attributes.tier === RUNTIME_COMPILED)
  t.true(fused.length > 0)
  for (const { operands } of fused) t.false('sums' in operands)
})

test('choices reach the program', async (t) => {
  const key = 'forward 4 32x16x16 32x16x16 kernel 3 stride 1 padding 1 transform sums'
  const set = await programsOf({ arch: 90, choices: { [key]: { tier: PLAIN, engine: 5 } } })
  const convs = set.programs['train']!.operations.filter((operation) => operation.op === 'conv')
  const chosen = convs.filter(({ attributes }) => attributes.engine === 5)
  // The first unit's has another size.
  t.is(chosen.length, 17)
  for (const { name, attributes } of chosen) {
    t.regex(name, /^stages\.1\.blocks\.\d+\.conv2$/)
    t.is(attributes.tier, PLAIN)
  }
})

test('with groups of statistics only what is launched for each group takes the engine that was timed for one', async (t) => {
  const key = 'forward 2 32x16x16 32x16x16 kernel 3 stride 1 padding 1 transform sums'
  const engines = async (tier: typeof PLAIN | typeof PRECOMPILED): Promise<unknown[]> => {
    const { programs } = await programsOf({ arch: 90, statisticsGroups: 2, choices: { [key]: { tier, engine: 5 } } })
    const mine = programs['train']!.operations.filter((operation) => operation.op === 'conv').filter(({ name }) =>
      /^stages\.1\.blocks\.[1-9]\d*\.conv2$/.test(name),
    )
    return [...new Set(mine.map(({ attributes }) => attributes.engine))]
  }
  t.deepEqual(await engines(PRECOMPILED), [5])
  t.deepEqual(await engines(PLAIN), [-1])
})

test('convolution weights lie in front, their gradients and copies at equal elements', async (t) => {
  for (const [name, net] of NETWORKS) {
    const set = await compiled(net, { device: 'cuda', precision: 'fp16' })
    const [sgd] = set.programs['train']!.operations.filter((operation) => operation.op === 'sgd')
    const of = (operand: 'weights' | 'copies' | 'gradients' | 'weightGradients') => set.tensors[sgd!.operands[operand]!]!
    const [P, Q, R] = (['weights', 'copies', 'gradients'] as const).map((operand) => of(operand).shape[0]!) as [number, number, number]
    t.is(of('weightGradients').shape[0], Q)
    t.is(P, Q + R)
    const tensor = new Map(set.tensors.map((spec) => [spec.name, spec]))
    for (const { name: parameter, shape } of buildGraph(net).parameters) {
      const at = tensor.get(parameter)!.offset / 4
      const gradient = tensor.get(`gradient/${parameter}`)!
      t.is(at < Q, shape.length === 4, `${name}: ${parameter}`)
      t.is(tensor.get(`velocity/${parameter}`)!.offset / 4, at)
      if (shape.length === 4) {
        t.is(gradient.arena, 'weightGradients')
        t.is(gradient.offset / 2, at)
        t.is(tensor.get(`compute/${parameter}`)!.offset / 2, at)
      } else {
        t.is(gradient.arena, 'gradients')
        t.is(gradient.offset / 4 + Q, at)
      }
    }
  }
})
