/**
 * Programs that do nothing but one convolution of a network, each lowered as one candidate of the tuner has it: with the launches beside that
 * this candidate needs, over several sets of tensors in turn, so that no cache holds what a step of the whole network would find in memory.
 * All are over the same tensors, which are filled once.
 */
import { contractsVersion, type Operands } from '../../contracts.js'
import { Draft, type DraftOperation, type DraftTensor } from '../draft.js'
import { Expressions, type Expression } from '../expression.js'
import { tensorTypes } from '../layout.js'
import { Linker } from '../linker.js'
import { Lowering } from '../lower/context.js'
import { lowerConv } from '../lower/conv.js'
import { lowerConvBackward } from '../lower/conv_backward.js'
import type { Choice, Site, Tier } from '../lower/engines.js'
import { siteKey, type LoweringTarget } from '../lower/target.js'
import { bytesOf } from '../memory.js'
import { tensorsIn } from '../operands.js'
import type { ParameterPlan } from '../parameters.js'
import { PointwiseCode } from '../pointwise.js'
import type { OperationSpec, Program, ProgramSet } from '../program.js'

export interface SitePrograms {
  /** Program `fill`, to be run once before, and one a candidate. */
  readonly programs: ProgramSet
  readonly candidates: readonly Candidate[]
  /** How often a candidate's program does the site's work. */
  readonly repetitions: number
  /** Tensors to be written once before `fill`: weights, and the vectors of the norm. */
  readonly random: readonly string[]
}

interface Candidate {
  readonly choice: Choice
  /** Its program's name. */
  readonly program: string
}

/** Bytes that the sets of tensors take together at least, unless so many sets are enough. */
const ROTATED_BYTES = 160 * 2 ** 20
const MOST_REPETITIONS = 24

/** ERR_OPTION where a candidate's pattern does not exist. */
export function sitePrograms(site: Site, choices: readonly Choice[], target: Omit<LoweringTarget, 'choices' | 'tier'>): SitePrograms {
  const linker = new Linker(NO_PARAMETERS, false)
  const programs: Record<string, Program> = {}
  const random = new Set<string>()
  let repetitions = 1
  const timed = new Map<Tier, Program>()
  const candidates = choices.map((choice): Candidate => {
    const { tier, engine } = choice
    let lowered = timed.get(tier)
    if (lowered === undefined) {
      const draft = lowerSite(site, tier, target)
      repetitions = draft.repetitions
      for (const name of draft.random) random.add(name)
      // Tensors of the same name are the same in all programs, and so is what fills them.
      programs['fill'] ??= link(linker, 'fill', site, draft.fill)
      timed.set(tier, (lowered = link(linker, 'time', site, draft.time)))
    }
    const program = `tier ${tier} engine ${engine}`
    programs[program] = { ...lowered, name: program, operations: lowered.operations.map((operation) => withEngine(operation, site, engine)) }
    return { choice, program }
  })
  return {
    programs: {
      format: 1,
      contracts: contractsVersion,
      network: siteKey(site),
      device: 'cuda',
      precision: target.precision,
      arenas: linker.arenas(),
      tensors: linker.specs,
      programs,
    },
    candidates,
    repetitions,
    random: linker.specs.map(({ name }) => name).filter((name) => random.has(name)),
  }
}

/** The site's own convolutions: a program for one pass has none of the others. */
function withEngine(operation: OperationSpec, { pass }: Site, engine: number): OperationSpec {
  switch (operation.op) {
    case 'conv':
      return pass === 'forward' ? { ...operation, attributes: { ...operation.attributes, engine } } : operation
    case 'conv_backward_data':
      return { ...operation, attributes: { ...operation.attributes, engine } }
    case 'conv_backward_norm':
      return { ...operation, attributes: { ...operation.attributes, engine } }
    case 'conv_backward_weights':
      return { ...operation, attributes: { ...operation.attributes, engine } }
    default:
      return operation
  }
}

function link(linker: Linker, name: string, site: Site, draft: readonly DraftOperation[]): Program {
  const operations = draft.map((operation, index) => ({ ...operation, index }))
  return finish(linker.link(name, { operations, batch: site.images }))
}

interface Lowered {
  readonly fill: readonly DraftOperation[]
  readonly time: readonly DraftOperation[]
  readonly repetitions: number
  readonly random: readonly string[]
}

function lowerSite(site: Site, tier: Tier, target: Omit<LoweringTarget, 'choices' | 'tier'>): Lowered {
  const draft = new Draft(tensorTypes('cuda', target.precision), site.images, 1)
  const stage = new Stage(draft, site)
  const first = stage.set(0)
  const bytes = first.reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  const repetitions = Math.min(MOST_REPETITIONS, Math.max(1, Math.ceil(ROTATED_BYTES / bytes)))
  for (let index = 1; index < repetitions; index++) stage.set(index)

  const choices = { [siteKey(site)]: { tier, engine: -1 } }
  const lowering = new Lowering(draft, { ...target, tier: undefined, choices }, new Map())
  // A site is small: no need to yield between operations.
  Array.from(lowering.index())
  stage.fill(lowering)
  const filled = lowering.out.operations.length
  for (const operation of draft.operations) {
    if (operation.op === 'conv' && site.pass === 'forward') lowerConv(lowering, operation)
    if (operation.op === 'conv_backward') lowerConvBackward(lowering, operation)
    if (operation.op === 'bn_backward' && !lowering.isDone(operation)) lowering.keep(operation)
  }
  const all = lowering.out.operations
  return { fill: all.slice(0, filled), time: all.slice(filled), repetitions, random: stage.random.map(({ name }) => name) }
}

/** The unlowered operations of the site, and the tensors that they read. */
class Stage {
  readonly random: DraftTensor[] = []
  private readonly maps: DraftTensor[] = []
  /** Parameters and running statistics that all norms share. */
  private readonly norms: Pick<Operands<DraftTensor>['bn_finalize'], 'weight' | 'beta' | 'runningMean' | 'runningVar'>

  constructor(
    private readonly draft: Draft,
    private readonly site: Site,
  ) {
    const { master, vectorLayout } = draft.types
    const shared = (name: string): DraftTensor => draft.tensor(name, master, vectorLayout, [site.channels], 'outputs')
    this.norms = { weight: shared('weight'), beta: shared('beta'), runningMean: shared('runningMean'), runningVar: shared('runningVar') }
    this.random.push(...tensorsIn(this.norms))
  }

  /** Operations over tensors of their own; returns the feature maps. */
  set(index: number): DraftTensor[] {
    const { site, draft } = this
    const { pass, channels, height, width, outputs, outputHeight, outputWidth, stride, padding, wants } = site
    const wanted = (want: Site['wants'][number]): boolean => wants.includes(want)
    const made: DraftTensor[] = []
    const map = (name: string, before: boolean): DraftTensor => {
      const size = before ? ([channels, height, width] as const) : ([outputs, outputHeight, outputWidth] as const)
      const tensor = draft.activation(`${name}.${index}`, ...size, 'outputs')
      made.push(tensor)
      return tensor
    }
    const x = map('x', true)
    const transformed = wanted('transform') || wanted('mask')
    const norm = transformed ? this.norm(index) : undefined
    // Weights of its own: the lowering finds a convolution by them.
    const w = this.filters(`w.${index}`)
    this.random.push(w)
    const operand = { x, xScale: norm?.scale, xBias: norm?.bias, w }
    const shape = { stride, padding, xRelu: transformed, winograd: false }
    const y = map('y', false)
    if (pass === 'forward') {
      const sums = wanted('sums') ? this.vector(`sums.${index}`, [1, 2, outputs]) : undefined
      draft.emit('conv', 'site', ['site'], { ...operand, residual: wanted('residual') ? map('residual', false) : undefined, y, sums }, shape)
    } else {
      draft.emit('conv', 'site', ['site'], { ...operand, y }, shape)
      const data = pass === 'data'
      const dw = data ? undefined : this.filters(`dw.${index}`)
      const sums = wanted('sums') ? this.vector(`sums.${index}`, [1, 2, channels]) : undefined
      draft.emit(
        'conv_backward',
        'site',
        ['site'],
        { ...operand, d: map('d', false), dw, add: wanted('add') ? map('add', true) : undefined, dx: data ? map('dx', true) : undefined, sums },
        { ...shape, mask: data && wanted('mask') },
      )
      if (wanted('norm') && norm !== undefined && sums !== undefined) this.normBackward(index, norm, sums)
    }
    this.maps.push(...made)
    return made
  }

  private norm(index: number): Record<'mean' | 'invstd' | 'scale' | 'bias', DraftTensor> {
    const output = (name: string): DraftTensor => this.vector(`${name}.${index}`, [1, this.site.channels])
    const made = { mean: output('mean'), invstd: output('invstd'), scale: output('scale'), bias: output('bias') }
    this.draft.emit('bn_finalize', 'site.norm', ['site.norm'], { ...this.norms, ...made }, { count: 0 })
    return made
  }

  private normBackward(index: number, { mean, invstd }: Record<'mean' | 'invstd', DraftTensor>, sums: DraftTensor): void {
    const { images, height, width, channels } = this.site
    const output = (name: string): DraftTensor => this.vector(`${name}.${index}`, [1, channels])
    this.draft.emit(
      'bn_backward',
      'site.norm',
      ['site.norm'],
      { sums, weight: this.norms.weight, mean, invstd, a: output('a'), b: output('b'), c: output('c') },
      { count: images * height * width },
    )
  }

  private filters(name: string): DraftTensor {
    const { channels, outputs, kernel } = this.site
    const { weights, weightLayout } = this.draft.types
    return this.draft.tensor(name, weights, weightLayout, [outputs, channels, kernel, kernel], 'outputs')
  }

  private vector(name: string, shape: readonly number[]): DraftTensor {
    return this.draft.tensor(name, this.draft.types.master, this.draft.types.vectorLayout, shape, 'outputs')
  }

  /** Norms from their vectors, with rounded copies for convolutions that want them; feature maps from random numbers: zeros would be faster than real data. */
  fill(lowering: Lowering): void {
    for (const operation of this.draft.operations) {
      if (operation.op !== 'bn_finalize') continue
      const { scale, bias } = operation.operands
      lowering.keep(operation)
      const stored = lowering.stored({ x: this.maps[0]!, scale, bias, relu: true })
      for (const tensor of Object.values(stored ?? {})) tensor.arena = 'outputs'
    }
    this.maps.forEach((tensor, index) => {
      const [, channels, height, width] = tensor.shape as [number, number, number, number]
      const code = new PointwiseCode()
      const noise = randomValues({ channels, height, width }, 4 * index)
      code.emit(lowering.out, 'site.random', ['site.random'], noise, [[code.register(noise), tensor]], [])
    })
  }
}

/** -3.5 to 3.5 in steps of 1. */
function randomValues(size: { channels: number; height: number; width: number }, stream: number): Expression {
  const e = new Expressions()
  const bit = (offset: number, weight: number): Expression => e.affine(e.dropoutMask({ rate: 0.5, stream: stream + offset }, size), weight / 2, -weight / 2)
  return e.add(e.add(bit(0, 1), bit(1, 2)), bit(2, 4))
}

const NO_PARAMETERS: ParameterPlan = {
  tensors: new Map(),
  gradients: new Map(),
  states: new Map(),
  copies: new Map(),
  averages: new Map(),
  averagedCopies: new Map(),
  averageViews: undefined,
  offsets: new Map(),
  segments: new Map(),
  views: { weights: { name: 'parameters', dtype: 'f32', layout: 'plain', shape: [0], arena: 'parameters', pinned: true } },
  scaler: undefined,
  waiting: undefined,
  arenas: {},
}

function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
