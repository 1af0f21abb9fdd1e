/** One change to a good set of programs, and the verifier refuses it and says where. */
import test, { type ExecutionContext } from 'ava'
import { contractsVersion } from '../../lib/contracts.js'
import type { PreresnetError } from '../../lib/errors.js'
import { loadBinding } from '../../lib/native/load.js'
import { tinyPrograms } from '../support/tiny.js'
import { emulated } from '../../lib/native/emulation.js'

/** A program set whose every part can be changed. */
interface Loose {
  [key: string]: unknown
  arenas: Record<string, number>
  tensors: { [key: string]: unknown; name: string; shape: number[]; arena: string; offset: number; bytes: number; dtype: string; layout: string }[]
  programs: Record<string, { [key: string]: unknown; operations: LooseOperation[] }>
}
interface LooseOperation {
  [key: string]: unknown
  operands: Record<string, unknown>
  attributes: Record<string, unknown>
}

/** Two programs beside the compiled ones: what the tiny network has not. */
async function base(): Promise<Loose> {
  const set = JSON.parse(JSON.stringify(await tinyPrograms())) as Loose
  const add = (name: string, arena: string, shape: number[]): number => {
    const bytes = shape.reduce((product, size) => product * size, 8)
    set.tensors.push({ name, dtype: 'f64', layout: 'plain', shape, arena, offset: set.arenas[arena]!, bytes })
    set.arenas[arena]! += Math.ceil(bytes / 64) * 64
    return set.tensors.length - 1
  }
  const wide = add('wide', 'inputs', [2, 3, 5, 5])
  const vector = add('vector', 'inputs', [1, 3])
  add('groups', 'inputs', [2, 3])
  const narrow = add('narrow', 'outputs', [2, 3, 3, 3])
  const sums = add('sums', 'outputs', [1, 2, 3])
  const pooled = add('pooled', 'outputs', [2, 3, 2, 2])
  const pointwise = {
    op: 'pointwise',
    name: 'expression',
    fused: [],
    phase: 'forward',
    operands: { tensors: [wide], vectors: [vector], outputs: [narrow], sums },
    attributes: {
      code: [0, 0, 2, 0, 1, 0, 0, 0, 5, 0, 1, 0, 9, 0, 0, 0, 5, 2, 3, 0],
      stores: [4],
      sumTerms: [4, -1, 4, 0],
      dropoutRates: [0.5],
      dropoutKeys: [7],
      domain: [2, 3, 3, 3],
    },
  }
  const pool = { op: 'bn_relu_max_pool', name: 'pool', fused: [], phase: 'forward', operands: { x: wide, y: pooled }, attributes: { padding: 0 } }
  const conv = {
    op: 'conv',
    name: 'gate',
    fused: [],
    phase: 'forward',
    operands: { x: wide, w: add('gate.weight', 'inputs', [4, 3, 1, 1]), y: add('gated', 'outputs', [2, 4, 5, 5]) },
    attributes: {},
  }
  set.programs['extra'] = { name: 'extra', batch: 2, operations: [pointwise, pool, conv] }
  return set
}

const operation = (set: Loose, op: string, name?: string, program = 'train'): LooseOperation =>
  set.programs[program]!.operations.find((candidate) => candidate['op'] === op && (name === undefined || candidate['name'] === name))!
const operandTensor = (set: Loose, of: LooseOperation, operand: string): Loose['tensors'][number] => set.tensors[of.operands[operand] as number]!
const tensor = (set: Loose, name: string): Loose['tensors'][number] => set.tensors.find((candidate) => candidate.name === name)!
const index = (set: Loose, name: string): number => set.tensors.findIndex((candidate) => candidate.name === name)
const expression = (set: Loose): LooseOperation => operation(set, 'pointwise', undefined, 'extra')
const code = (set: Loose): number[] => expression(set).attributes['code'] as number[]
const second = (set: Loose): LooseOperation => operation(set, 'conv', 'unit.conv2')

/** The set with its gradients in the transient arena, behind everything. */
const shared = (set: Loose): Loose => {
  const end = Math.ceil(set.arenas['activations']! / 4096) * 4096
  set.arenas['activations'] = end + set.arenas['gradients']!
  return Object.assign(set, { gradientsAt: end })
}

type Change = readonly [what: string, change: (set: Loose) => void, message: RegExp]
const CHANGES: readonly Change[] = [
  // The JSON.
  ['an unknown key', (set) => (set['extra'] = 1), /known keys/],
  ['a missing key', (set) => delete set['network'], /key "network", got none/],
  ['another format', (set) => (set['format'] = 2), /format: expected 1/],
  ['other contracts', (set) => (set['contracts'] = 999), /contracts: expected/],
  ['an unknown device', (set) => (set['device'] = 'abacus'), /device: expected/],
  ['a precision of another device', (set) => (set['precision'] = 'bf16'), /device: expected/],
  ['an unknown key of a tensor', (set) => (set.tensors[0]!['color'] = 'red'), /known keys only, got "color"/],
  ['an unknown type', (set) => (set.tensors[0]!.dtype = 'f12'), /dtype: expected f64 or f32/],
  ['an unknown layout', (set) => (set.tensors[0]!.layout = 'spiral'), /layout: expected plain/],
  ['a size of 0', (set) => (set.tensors[0]!.shape[0] = 0), /at least 1/],
  ['a size that is a fraction', (set) => (set.tensors[0]!.shape[0] = 1.5), /an integer/],
  ['a huge size', (set) => (set.tensors[0]!.shape[0] = 1e300), /an integer/],
  ['a negative offset', (set) => (set.tensors[0]!.offset = -64), /at least 0/],
  ['an unknown operation', (set) => (second(set)['op'] = 'convolve'), /an operation of the contracts, got "convolve"/],
  ['an unknown phase', (set) => (second(set)['phase'] = 'later'), /phase: expected/],
  ['an unknown operand', (set) => (second(set).operands['z'] = 0), /an operand of conv, got "z"/],
  ['a missing operand', (set) => delete second(set).operands['w'], /operand w, got none/],
  ['an operand of another type', (set) => (second(set).operands['w'] = 'weights'), /an integer/],
  ['a list where one tensor belongs', (set) => (second(set).operands['w'] = [3]), /an integer/],
  ['one tensor where a list belongs', (set) => (expression(set).operands['tensors'] = 0), /an array/],
  ['an index past the tensors', (set) => (second(set).operands['w'] = set.tensors.length), /an index below/],
  ['a negative index', (set) => (second(set).operands['w'] = -1), /an index below/],
  ['an unknown attribute', (set) => (second(set).attributes['strid'] = 1), /an attribute of conv, got "strid"/],
  ['a missing attribute', (set) => delete operation(set, 'bn_backward').attributes['count'], /attribute count, got none/],
  ['an attribute of another type', (set) => (second(set).attributes['stride'] = true), /an integer/],
  ['a boolean given as a number', (set) => (second(set).attributes['xRelu'] = 1), /true or false/],
  ['a program without operations', (set) => (set.programs['infer']!.operations = []), /expected operations, got none/],
  ['a program under another name', (set) => (set.programs['infer']!['name'] = 'other'), /expected that name/],
  // Arenas and addresses.
  ['an unknown arena', (set) => (set.arenas['attic'] = 64), /got "attic"/],
  ['a tensor in no arena', (set) => (set.tensors[0]!.arena = 'attic'), /expected an arena of the set/],
  ['an arena that is too small', (set) => (set.arenas['activations'] = 1024), /inside of 1024 bytes/],
  ['an arena that ends in the middle of a tensor', (set) => (set.arenas['activations']! -= 64), /inside of \d+ bytes/],
  ['a parameter that begins inside its arena and ends outside', (set) => (set.arenas['parameters']! -= 64), /inside of \d+ bytes/],
  ['an offset past the end', (set) => (set.tensors[0]!.offset = 2 ** 40), /expected an address inside/],
  ['an offset close to 2^53', (set) => (set.tensors[0]!.offset = 2 ** 53 - 64), /expected an address inside/],
  ['an odd offset', (set) => (operandTensor(set, second(set), 'y').offset += 8), /64 divides/],
  ['too few bytes', (set) => (set.tensors[0]!.bytes -= 8), /expected 1080 bytes/],
  ['a larger shape on the same bytes', (set) => (set.tensors[0]!.shape[0] = 500), /expected 108000 bytes/],
  ['sizes whose product wraps around', (set) => (set.tensors[0]!.shape = [2 ** 52, 2 ** 52, 2 ** 52, 3]), /fits into memory/],
  ['two parameters at one address', (set) => (tensor(set, 'unit.conv2.weight').offset = tensor(set, 'unit.conv1.weight').offset), /memory of its own/],
  ['two parameters of one name', (set) => (tensor(set, 'unit.conv2.weight').name = 'unit.conv1.weight'), /a name of its own/],
  ['floats on the reference executor', (set) => Object.assign(tensor(set, 'norm.weight'), { dtype: 'f32', bytes: 20 }), /plain f64 on the reference/],
  [
    'a blocked layout on the reference executor',
    (set) => Object.assign(operandTensor(set, second(set), 'y'), { layout: 'nchw16c', bytes: 18432 }),
    /plain f64 on the reference/,
  ],
  // Lifetimes.
  [
    'an operation too early',
    (set) => set.programs['train']!.operations.splice(1, 0, ...set.programs['train']!.operations.splice(3, 1)),
    /written by an earlier operation/,
  ],
  ['a producer that is gone', (set) => set.programs['train']!.operations.splice(1, 1), /written by an earlier operation/],
  [
    'a live activation overwritten',
    (set) => (operandTensor(set, second(set), 'y').offset = operandTensor(set, operation(set, 'conv', 'stem'), 'y').offset),
    /still needed|memory of its own/,
  ],
  [
    'a live activation overwritten in its middle',
    (set) => (operandTensor(set, operation(set, 'bn_finalize', 'norm'), 'mean').offset = operandTensor(set, operation(set, 'conv', 'stem'), 'y').offset + 64),
    /still needed/,
  ],
  ['gradients over what still lives', (set) => Object.assign(shared(set), { gradientsAt: 0 }), /memory of its own for gradient.*, which is still needed/],
  ['gradients in the middle of a page', (set) => Object.assign(shared(set), { gradientsAt: 64 }), /gradientsAt: expected a multiple of 4096/],
  ['gradients past the end', (set) => (set['gradientsAt'] = 2 ** 40), /gradientsAt: expected a multiple of 4096 that leaves/],
  ['no place at all', (set) => (set['gradientsAt'] = 'there'), /gradientsAt: expected an integer/],
  [
    'a gradient that is not written',
    (set) => delete operation(shared(set), 'linear_backward').operands['dbias'],
    /expected all \d+ gradients to be written before they are read, got \d+/,
  ],
  [
    'a gradient that is not written, of which nothing reads',
    (set) => {
      const partial = structuredClone(shared(set).programs['train']!)
      set.programs['partial'] = { ...partial, name: 'partial', operations: partial.operations.filter(({ op }) => op !== 'sgd') }
      delete operation(set, 'linear_backward', undefined, 'partial').operands['dbias']
    },
    /program partial: expected all \d+ gradients to be written, got \d+/,
  ],
  [
    'an update from between the gradients',
    (set) => {
      const lengths = operation(shared(set), 'sgd').attributes['lengths'] as number[]
      lengths[lengths.length - 1]! += 2
    },
    /expected segments that lie in gradients of the program, got segment \d+ at element \d+/,
  ],
  ['an output over an operand', (set) => (second(set).operands['y'] = second(set).operands['x']), /memory of its own/],
  [
    'two outputs in one place',
    (set) => (operation(set, 'bn_finalize').operands['scale'] = operation(set, 'bn_finalize').operands['bias']),
    /memory of its own/,
  ],
  [
    'an input that is overwritten',
    (set) => (operation(set, 'softmax_cross_entropy', undefined, 'evaluate').operands['predictions'] = index(set, 'labels')),
    /no operation to write inputs/,
  ],
  [
    'labels that another operation computes',
    (set) => (operation(set, 'softmax_cross_entropy').operands['labels'] = index(set, 'predictions')),
    /arena inputs for indices/,
  ],
  [
    'two losses',
    (set) => set.programs['evaluate']!.operations.push(operation(set, 'softmax_cross_entropy', undefined, 'evaluate')),
    /at most one operation that computes a loss/,
  ],
  ['two optimizers', (set) => set.programs['train']!.operations.push(operation(set, 'sgd')), /at most one operation that updates parameters, got 2/],
  // Types, shapes, views.
  ['integers for weights', (set) => (second(set).operands['w'] = index(set, 'labels')), /expected another type, got i32/],
  ['weights of other channels', (set) => (second(set).operands['w'] = 0), /w \(stem.weight\): expected shape K C R S with C = 5/],
  [
    'a matrix for a vector',
    (set) => (operation(set, 'bn_finalize').operands['weight'] = index(set, 'head.fc.weight')),
    /weight \(head.fc.weight\): expected shape C/,
  ],
  [
    'groups that do not divide the batch',
    (set) => {
      const sums = operandTensor(set, operation(set, 'conv', 'stem'), 'sums')
      sums.shape[0] = 3
      sums.bytes *= 3
    },
    /expected/,
  ],
  ['half a view', (set) => Object.assign(tensor(set, 'gradients'), { shape: [336], bytes: 2688 }), /the whole of an arena|expected shape P/],
  ['a view of activations', (set) => (operation(set, 'sgd').operands['gradients'] = operation(set, 'conv', 'stem').operands['y']), /expected/],
  // Laws.
  ['a stride that does not fit', (set) => (second(set).attributes['stride'] = 2), /output height 3, got 6/],
  ['a stride of 0', (set) => (second(set).attributes['stride'] = 0), /stride of at least 1/],
  ['a padding that does not fit', (set) => (second(set).attributes['padding'] = 0), /output height 4, got 6/],
  ['a negative padding', (set) => (second(set).attributes['padding'] = -1), /padding from 0/],
  ['scale without bias', (set) => delete second(set).operands['xBias'], /xScale and xBias together/],
  ['a subsampled residual that does not fit', (set) => (second(set).attributes['residualSubsample'] = 2), /residual's 3, got 6/],
  ['a subsample without residual', (set) => (operation(set, 'conv', 'unit.conv1').attributes['residualSubsample'] = 2), /only with residual/],
  ['a mask without ReLU', (set) => (operation(set, 'conv_backward', 'unit.conv2').attributes['xRelu'] = false), /mask only with xRelu/],
  ['a coefficient without its tensor', (set) => delete operation(set, 'conv_backward', 'unit.conv2').operands['y'], /dB and y together/],
  ['sums without dx', (set) => delete operation(set, 'conv_backward', 'unit.conv1').operands['dx'], /only with dx|written by an earlier/],
  ['sums of images that get the same bits in every batch', (set) => (second(set).attributes['perImage'] = true), /no sums with perImage, got one/],
  [
    'groups of images that get the same bits in every batch',
    (set) => {
      const gate = operation(set, 'conv', 'gate', 'extra')
      gate.attributes['perImage'] = true
      Object.assign(gate.operands, { xScale: index(set, 'groups'), xBias: index(set, 'groups') })
    },
    /groups with perImage 1, got 2/,
  ],
  ["Winograd's tiles on another kernel", (set) => (operation(set, 'conv', 'gate', 'extra').attributes['winograd'] = true), /winograd kernel height 3, got 1/],
  ['statistics of one value', (set) => (operation(set, 'bn_finalize').attributes['count'] = 1), /count of at least 2/],
  ['an epsilon of 0', (set) => (operation(set, 'bn_finalize').attributes['epsilon'] = 0), /epsilon above 0/],
  ['a momentum above 1', (set) => (operation(set, 'bn_finalize').attributes['momentum'] = 1.5), /momentum from 0 to 1/],
  ['a mean too few', (set) => (operation(set, 'input').attributes['mean'] = [0.5, 0.5]), /one mean a channel/],
  ['a deviation of 0', (set) => (operation(set, 'input').attributes['std'] = [0.25, 0, 0.25]), /std above 0/],
  ['a huge pad', (set) => (operation(set, 'input').attributes['pad'] = 2 ** 52), /pad from 0/],
  ['smoothing of 1', (set) => (operation(set, 'softmax_cross_entropy').attributes['smoothing'] = 1), /smoothing from 0 to below 1/],
  ['segments that overlap', (set) => ((operation(set, 'sgd').attributes['offsets'] as number[])[1] = 100), /do not overlap/],
  ['a segment past the end', (set) => ((operation(set, 'sgd').attributes['lengths'] as number[])[10] = 9), /segments inside of 672/],
  ['a segment of no elements', (set) => ((operation(set, 'sgd').attributes['lengths'] as number[])[10] = 0), /segments inside/],
  ['a decay too few', (set) => (operation(set, 'sgd').attributes['decays'] as number[]).pop(), /as many decays/],
  ['a negative offset of a segment', (set) => ((operation(set, 'sgd').attributes['offsets'] as number[])[0] = -8), /do not overlap/],
  ['a pooling window that leaves the image', (set) => (operation(set, 'bn_relu_max_pool', undefined, 'extra').attributes['padding'] = 3), /padding from 0/],
  ['a pooled size that does not fit', (set) => (operation(set, 'bn_relu_max_pool', undefined, 'extra').attributes['kernel'] = 1), /output height 3, got 2/],
  [
    'a pooling window that begins behind the image',
    (set) => (operation(set, 'bn_relu_max_pool', undefined, 'extra').attributes['stride'] = 5),
    /output height 1, got 2/,
  ],
  // Pointwise code.
  ['an unknown opcode', (set) => (code(set)[0] = 10), /an opcode of the table, got 10/],
  ['an opcode that is not used', (set) => (code(set)[0] = 4), /an opcode of the table, got 4/],
  ['a negative opcode', (set) => (code(set)[0] = -1), /an opcode of the table, got -1/],
  ['half an instruction', (set) => code(set).pop(), /code length modulo 4/],
  ['no code', (set) => (expression(set).attributes['code'] = []), /instructions/],
  ['a tensor past the list', (set) => (code(set)[1] = 1), /tensor below 1/],
  ['a vector past the list', (set) => (code(set)[5] = 1), /vector below 1/],
  ['a constant past the list', (set) => (code(set)[4] = 2), /constant below 0/],
  ['a register of its own', (set) => (code(set)[10] = 2), /register b below 2/],
  ['a register of the future', (set) => (code(set)[17] = 4), /register a below 4/],
  ['a negative register', (set) => (code(set)[17] = -1), /register a below 4/],
  ['a dropout past the list', (set) => (code(set)[13] = 1), /dropout below 1/],
  ['a step of 0', (set) => (code(set)[2] = 0), /a step of s or -s/],
  ['a step that does not fit', (set) => (code(set)[2] = 1), /positions read from a tensor 5, got 3/],
  ['an adjoint step that does not fit', (set) => (code(set)[2] = -2), /positions read from a tensor 2, got 5/],
  ['a huge step', (set) => (code(set)[2] = 2 ** 40), /a step of s or -s/],
  ['a stored register past the code', (set) => (expression(set).attributes['stores'] = [5]), /stores below 5/],
  ['a store too many', (set) => (expression(set).attributes['stores'] = [4, 4]), /stores 1, got 2/],
  ['a summed register past the code', (set) => (expression(set).attributes['sumTerms'] = [4, -1, 5, 0]), /register of a sum below 5/],
  ['a sum of a negative register', (set) => (expression(set).attributes['sumTerms'] = [-1, 0, 4, 0]), /register of a sum below 5/],
  ['half a sum', (set) => (expression(set).attributes['sumTerms'] = [4, -1, 4]), /sumTerms modulo 2/],
  ['sums of other rows', (set) => (expression(set).attributes['sumTerms'] = [4, -1]), /rows of sums 1, got 2/],
  ['a domain of three sizes', (set) => (expression(set).attributes['domain'] = [2, 3, 3]), /domain of sizes 4/],
  ['a domain larger than the output', (set) => (expression(set).attributes['domain'] = [2, 4, 3, 3]), /size of an output 4, got 3/],
  ['a rate of 1', (set) => (expression(set).attributes['dropoutRates'] = [1]), /dropoutRates from 0 to below 1/],
  ['a key too large', (set) => (expression(set).attributes['dropoutKeys'] = [2 ** 32]), /dropoutKeys from 0/],
  ['a dropout that counts neither values nor images', (set) => (code(set)[14] = 2), /0 or 1 for what a dropout counts, got 2/],
  ['a key too few', (set) => (expression(set).attributes['dropoutKeys'] = []), /dropoutKeys 1, got 0/],
]

const verified = async (set: unknown): Promise<void> => {
  const session = await loadBinding().createSession(JSON.stringify(set), { threads: 1 })
  await session.dispose()
}

test('the programs that are tampered with below are good', async (t) => {
  await t.notThrowsAsync(verified(await base()))
  await t.notThrowsAsync(verified(shared(await base())))
})

test('text that is no JSON', async (t) => {
  const error = await t.throwsAsync<PreresnetError>(loadBinding().createSession('{', { threads: 1 }))
  t.is(error.code, 'ERR_PROGRAM')
})

for (const [what, change, message] of CHANGES) {
  test(`refused: ${what}`, async (t) => {
    const set = await base()
    change(set)
    const error = await t.throwsAsync<PreresnetError>(verified(set))
    t.is(error.code, 'ERR_PROGRAM')
    t.regex(error.message, message)
  })
}

/** One operation on tensors of the emulated CUDA device: what that device's own types and layouts are. */
async function cuda(change: (set: Loose) => void): Promise<void> {
  const make = (name: string, dtype: string, layout: string, shape: number[], arena: string, bytes: number) => ({
    name,
    dtype,
    layout,
    shape,
    arena,
    bytes,
    offset: 0,
  })
  const set = {
    format: 1,
    contracts: contractsVersion,
    network: 'cuda',
    device: 'cuda',
    precision: 'fp16',
    arenas: { inputs: 512, parameters: 1024, outputs: 1024, buffers: 64, compute: 2048 },
    tensors: [
      make('x', 'f16', 'nhwc8', [2, 3, 4, 4], 'inputs', 512),
      make('w', 'f16', 'krsc8', [5, 3, 3, 3], 'compute', 1152),
      make('bias', 'f32', 'nhwc8', [5], 'parameters', 32),
      make('y', 'f16', 'nhwc8', [2, 5, 4, 4], 'outputs', 512),
      make('sums', 'f32', 'nhwc8', [1, 2, 5], 'buffers', 64),
    ],
    programs: {
      infer: {
        name: 'infer',
        batch: 2,
        operations: [
          { op: 'conv', name: 'conv', fused: [], phase: 'forward', operands: { x: 0, w: 1, bias: 2, y: 3, sums: 4 }, attributes: { padding: 1, tier: 1 } },
        ],
      },
    },
  } as unknown as Loose
  change(set)
  await emulated({}, () => verified(set))
}

const refusedOnCuda = async (t: ExecutionContext, change: (set: Loose) => void, message: RegExp): Promise<void> => {
  const error = await t.throwsAsync<PreresnetError>(cuda(change))
  t.is(error.code, 'ERR_PROGRAM')
  t.regex(error.message, message)
}

const CUDA_CHANGES: readonly Change[] = [
  ['a precision that it has not', (set) => (set['precision'] = 'fp64'), /cuda with fp32, tf32, bf16 or fp16, got cuda with fp64/],
  ['the layout of the CPU', (set) => Object.assign(set.tensors[0]!, { layout: 'nchw16c', bytes: 1024, arena: 'outputs' }), /got nchw16c f16/],
  ['too few bytes of padded channels', (set) => Object.assign(set.tensors[0]!, { bytes: 192 }), /expected 512 bytes for f16 \[2 3 4 4\], got 192/],
  ['too few bytes of padded weights', (set) => Object.assign(set.tensors[1]!, { bytes: 270 }), /expected 1152 bytes for f16 \[5 3 3 3\]/],
  ['too few bytes of a padded vector', (set) => Object.assign(set.tensors[4]!, { bytes: 40 }), /expected 64 bytes for f32 \[1 2 5\]/],
  ['a plain feature map', (set) => Object.assign(set.tensors[0]!, { layout: 'plain', bytes: 192 }), /x \(x\): expected nhwc8 f16, got plain f16/],
  ['a feature map of another precision', (set) => (set.tensors[0]!.dtype = 'bf16'), /x \(x\): expected nhwc8 f16, got nhwc8 bf16/],
  ['plain weights', (set) => Object.assign(set.tensors[1]!, { layout: 'plain', bytes: 270 }), /w \(w\): expected krsc8 f16, got plain f16/],
  [
    'master weights',
    (set) => Object.assign(set.tensors[1]!, { dtype: 'f32', bytes: 2304, arena: 'outputs', offset: 512 }),
    /krsc8 f16, got krsc8 f32|inside of/,
  ],
  ['a half bias', (set) => Object.assign(set.tensors[2]!, { dtype: 'f16', bytes: 16 }), /bias \(bias\): expected another type, got f16/],
  ['a plain vector', (set) => Object.assign(set.tensors[2]!, { layout: 'plain', bytes: 20 }), /bias \(bias\): expected nhwc8 f32, got plain f32/],
  ['doubles', (set) => Object.assign(set.tensors[4]!, { dtype: 'f64', bytes: 128 }), /without f64 on CUDA|inside of/],
  ['weights of three sizes', (set) => Object.assign(set.tensors[1]!, { shape: [5, 3, 9] }), /four sizes for layout krsc8, got 3/],
  ['gradients among activations', (set) => (set['gradientsAt'] = 0), /gradientsAt: expected a host with arenas gradients and activations, got cuda/],
  ['an unknown tier', (set) => (operation(set, 'conv', 'conv', 'infer').attributes['tier'] = 3), /tier from 0 to 2, got 3/],
]

test('what is verified on CUDA is good but for the device', async (t) => {
  // Whether a device is there is decided after verification.
  const error = await t.throwsAsync<PreresnetError>(cuda(() => undefined))
  t.not(error.code, 'ERR_PROGRAM')
})
for (const [what, change, message] of CUDA_CHANGES) {
  test(`refused on CUDA: ${what}`, (t) => refusedOnCuda(t, change, message))
}
