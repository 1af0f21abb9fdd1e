/** What the lowering of one program keeps: the new program, who reads what, and what was written beside. */
import { PreresnetError } from '../../errors.js'
import type { Attributes, OperationName, Operands } from '../../contracts.js'
import { Draft, type DraftOperation, type DraftTensor } from '../draft.js'
import { tensorsIn } from '../operands.js'
import { type Choice, PLAIN, type Site, type Want } from './engines.js'
import { choose, type LoweringTarget } from './target.js'

/** t(x) = [ReLU](scale * x + bias). */
export interface ConvInput {
  readonly x: DraftTensor
  readonly scale: DraftTensor | undefined
  readonly bias: DraftTensor | undefined
  readonly relu: boolean
}

export class Lowering {
  readonly out: Draft
  private readonly readers = new Map<DraftTensor, DraftOperation[]>()
  /** Operations whose work another one does. */
  private readonly done = new Set<DraftOperation>()
  private readonly forward = new Map<DraftTensor, DraftOperation<'conv'>>()
  private readonly activated = new Map<DraftTensor, { readonly transform: ConvInput; readonly phase: string; readonly y: DraftTensor }[]>()

  constructor(
    readonly draft: Draft,
    readonly target: LoweringTarget,
    /** Convolution weights as convolutions read them. */
    private readonly copies: ReadonlyMap<DraftTensor, DraftTensor>,
  ) {
    this.out = new Draft(draft.types, draft.batch, draft.groups)
  }

  /** Who reads what; once, before the first operation is taken. */
  *index(): Generator<void> {
    for (const operation of this.draft.operations) {
      for (const tensor of tensorsIn<DraftTensor>(operation.operands)) this.readersOf(tensor).push(operation)
      if (operation.op === 'conv' && operation.phase === 'forward') this.forward.set(operation.operands.w, operation)
      yield
    }
  }

  /** Operations of the unlowered program that have the tensor as an operand, its producer among them. */
  readersOf(tensor: DraftTensor): DraftOperation[] {
    let readers = this.readers.get(tensor)
    if (readers === undefined) this.readers.set(tensor, (readers = []))
    return readers
  }

  /** The convolution of a backward pass, as it reads its operand: a mask may have added a ReLU of what is activated already. */
  forwardOf(operation: DraftOperation<'conv_backward'>): DraftOperation<'conv'> {
    const found = this.forward.get(operation.operands.w)
    if (found === undefined) throw new PreresnetError('ERR_INTERNAL', `${operation.name}: a backward pass without a forward one`)
    return found
  }

  skip(operation: DraftOperation): void {
    this.done.add(operation)
  }
  isDone(operation: DraftOperation): boolean {
    return this.done.has(operation)
  }

  weights(w: DraftTensor): DraftTensor {
    return this.copies.get(w) ?? w
  }

  /** The operation as it is. */
  keep(operation: DraftOperation): void {
    this.out.append(operation)
  }

  emit<K extends OperationName>(op: K, name: string, fused: readonly string[], operands: Operands<DraftTensor>[K], attributes: Attributes[K]): void {
    this.out.emit(op, name, fused, operands, attributes)
  }

  /** A feature map of the same shape and kind as another. */
  like(tensor: DraftTensor, name: string): DraftTensor {
    return this.out.tensor(name, tensor.dtype, tensor.layout, tensor.shape, 'activations')
  }

  /** Scale and bias in the storage type, from the norm that writes them; undefined where there is none. */
  stored({ scale }: ConvInput): { readonly scale: DraftTensor; readonly bias: DraftTensor } | undefined {
    const norm = scale?.producer
    if (norm?.op !== 'bn_finalize' || scale === undefined) return undefined
    const { weights, vectorLayout } = this.draft.types
    const output = (key: 'scaleStored' | 'biasStored'): DraftTensor =>
      norm.operands[key] ?? this.out.write(norm, key, this.out.tensor(`${norm.name}:${key}`, weights, vectorLayout, scale.shape, 'activations'))
    return { scale: output('scaleStored'), bias: output('biasStored') }
  }

  /** The activation in memory: t(x) itself if it is that, else written once in the forward and once again in the backward pass. */
  activation(transform: ConvInput, name: string, fused: readonly string[]): DraftTensor {
    const { x, scale, bias, relu } = transform
    if (scale === undefined && !relu) return x
    const phase = this.out.phase
    const written = this.activated.get(x) ?? []
    const known = written.find((entry) => entry.phase === phase && entry.transform.scale === scale && entry.transform.relu === relu)
    if (known !== undefined) return known.y
    const y = this.like(x, `${name}:a`)
    this.emit('bn_relu', name, fused, { x, scale, bias, y }, { relu })
    this.activated.set(x, [...written, { transform, phase, y }])
    return y
  }

  choose(
    pass: Site['pass'],
    operation: DraftOperation<'conv' | 'conv_backward'>,
    sizes: { x: DraftTensor; w: DraftTensor; y: DraftTensor },
    wants: readonly Want[],
  ): Choice {
    const [images, channels, height, width] = sizes.x.shape as [number, number, number, number]
    const [outputs, , kernel] = sizes.w.shape as [number, number, number, number]
    const [, , outputHeight, outputWidth] = sizes.y.shape as [number, number, number, number]
    const { stride, padding } = windowOf(operation)
    const shape = { images: images / this.draft.groups, channels, height, width, outputs, outputHeight, outputWidth, kernel, stride, padding }
    const choice = choose(this.target, { pass, ...shape, wants })
    // A plain convolution is one launch over all groups, whose engines are numbered otherwise than those of the group that was timed.
    return this.draft.groups > 1 && choice.tier === PLAIN ? { ...choice, engine: -1 } : choice
  }
}

/** Of a convolution, in full. */
export function windowOf({ attributes }: DraftOperation<'conv' | 'conv_backward'>): { readonly stride: number; readonly padding: number } {
  const { stride = 1, padding = 0 } = attributes
  return { stride, padding }
}

/** Layers that were fused into a convolution: those of its operand's transform, itself, those of what it adds. */
export function fusedParts({ name, fused }: DraftOperation): { readonly before: string[]; readonly own: string[]; readonly after: string[] } {
  const at = fused.indexOf(name)
  return at < 0 ? { before: [], own: fused, after: [] } : { before: fused.slice(0, at), own: [name], after: fused.slice(at + 1) }
}

export function present<T>(list: readonly (T | false)[]): T[] {
  return list.filter((item): item is T => item !== false)
}
