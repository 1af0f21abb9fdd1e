/** What a graph does with its input before the network begins: images by row, column and channel are transposed; pixels become numbers and are normalized. */
import { PreresnetError } from '../../errors.js'
import { malformed } from '../../formats/files.js'
import type { Network } from '../../layers/index.js'
import { quoted } from '../../visible.js'
import { dataTypes, type OnnxNode } from './messages.js'
import { outputOf, type Nodes } from './nodes.js'
import type { Operator } from './operator.js'
import type { Prepared } from './preparation.js'

/** The graph's input as the file describes it. */
export interface Described {
  readonly name: string
  readonly elementType: number | undefined
  /** Without the number of images. */
  readonly sizes: readonly number[]
}

/** A value that the network may begin with, and what it is of a pixel: factor * pixel + offset, for each channel. */
interface Step {
  readonly value: string
  readonly factors: readonly number[]
  readonly offsets: readonly number[]
}

interface Start {
  readonly input: Network['input']
  /** Where the graph takes numbers and not pixels, the first layer reads this value. */
  readonly value: string
  /** Where it takes pixels, one of these is what the first layer reads. */
  readonly steps?: readonly Step[]
}

const floating: readonly (number | undefined)[] = [dataTypes.float, dataTypes.float16, dataTypes.bfloat16, dataTypes.double]
/** Operators that take a pixel's value from one number to another; a constant stands second but for those that may have it first. */
const arithmetic: Readonly<Record<string, (step: number, constant: number) => number>> = {
  Add: (value, constant) => value + constant,
  Sub: (value, constant) => value - constant,
  Mul: (value, constant) => value * constant,
  Div: (value, constant) => value / constant,
}
const commutative = ['Add', 'Mul']
const ofFactors = ['Mul', 'Div']

export async function startOf(input: Described, nodes: Nodes): Promise<Start> {
  const { name, elementType, sizes } = input
  const arePixels = elementType === dataTypes.uint8
  if (!arePixels && !floating.includes(elementType))
    throw malformed(nodes.path, `${quoted(name)}: expected an input of floating-point values or of pixels (uint8), got type ${elementType ?? 'none'} of ONNX`)
  const chain = chainBehind(name, nodes, arePixels)
  const [a = 0, b = 0, c = 0] = sizes
  const isTransposed = chain.some(({ operator }) => operator === 'Transpose')
  const size = isTransposed ? { height: a, width: b, channels: c } : { channels: a, height: b, width: c }
  for (const node of chain) if (node.operator === 'Transpose') checkOrder(nodes.operator(node))
  if (!arePixels) return { input: size, value: isTransposed ? outputOf(chain[0]!) : name }
  return { input: size, value: name, steps: await stepsOf(input, chain, size.channels, nodes) }
}

function checkOrder(operator: Operator): void {
  const order = operator.integers('perm') ?? []
  if (order.join() !== '0,3,1,2') throw operator.error('perm [0, 3, 1, 2], which brings channels before rows', order)
}

/** The nodes behind the input that are no layers: a Transpose, and where the input is pixels a Cast, and arithmetic with constants. */
function chainBehind(name: string, nodes: Nodes, arePixels: boolean): readonly OnnxNode[] {
  const chain: OnnxNode[] = []
  const once = arePixels ? ['Transpose', 'Cast'] : ['Transpose']
  for (let value = name; ; value = outputOf(chain.at(-1)!)) {
    const node = nodes.onlyReader(value)
    const operator = node?.operator ?? ''
    const isNew = once.includes(operator) && !chain.some((each) => each.operator === operator)
    const isArithmetic = arePixels && node !== undefined && constantOf(node, nodes) !== undefined
    if (node === undefined || !(isNew || isArithmetic)) return chain
    chain.push(node)
  }
}

/** Which input of a node is the constant that every pixel is changed by; undefined where it does something else. */
function constantOf({ operator = '', inputs }: OnnxNode, { constants }: Nodes): number | undefined {
  if (!Object.hasOwn(arithmetic, operator) || inputs.length !== 2) return undefined
  return [1, ...(commutative.includes(operator) ? [0] : [])].find((index) => constants.has(inputs[index]))
}

async function stepsOf({ name }: Described, chain: readonly OnnxNode[], channels: number, nodes: Nodes): Promise<readonly Step[]> {
  const cast = chain.findIndex(({ operator }) => operator === 'Cast')
  const to = cast === -1 ? undefined : nodes.operator(chain[cast]!).integer('to', 0)
  if (to !== dataTypes.float || chain.slice(0, cast).some(({ operator }) => operator !== 'Transpose'))
    throw malformed(
      nodes.path,
      `${quoted(name)}: expected pixels that a Cast makes numbers of in single precision, got ${to === undefined ? 'none' : 'another one'}`,
    )
  const transpose = chain.findIndex(({ operator }) => operator === 'Transpose')
  let step: Step = { value: '', factors: new Array<number>(channels).fill(1), offsets: new Array<number>(channels).fill(0) }
  const steps: Step[] = []
  for (const [index, node] of chain.entries()) {
    const { operator = '' } = node
    const at = constantOf(node, nodes)
    if (at !== undefined) step = changed(step, operator, await nodes.operator(node).perChannel(at, channels, index < transpose ? 1 : 3))
    step = { ...step, value: outputOf(node) }
    if (index >= Math.max(cast, transpose)) steps.push(step)
  }
  return steps
}

function changed({ value, factors, offsets }: Step, operator: string, by: Float32Array): Step {
  const each = (numbers: readonly number[]): readonly number[] => numbers.map((number, channel) => arithmetic[operator]!(number, by[channel]!))
  return { value, factors: ofFactors.includes(operator) ? each(factors) : factors, offsets: each(offsets) }
}

/** Of constants in single precision, one after another. */
const tolerance = 1e-6

/** The last value that is an image normalized as the preparation says. */
export function normalizedBy(path: string, steps: readonly Step[], { prepare, saidBy, order }: Prepared): string {
  const turned = (values: readonly number[]): readonly number[] => (order === 'bgr' ? values.toReversed() : values)
  const [mean, std] = [turned(prepare.normalization.mean), turned(prepare.normalization.std)]
  const near = (got: number, wanted: number): boolean => Math.abs(got - wanted) <= tolerance * (1 + Math.abs(wanted))
  const isRight = ({ factors, offsets }: Step): boolean =>
    mean.every((center, channel) => near(factors[channel]! * 255 * std[channel]!, 1) && near(offsets[channel]!, -center / std[channel]!))
  const found = steps.findLast(isRight)
  if (found !== undefined) return found.value
  const { factors, offsets } = steps.at(-1)!
  const got = described(
    factors.map((factor, channel) => -offsets[channel]! / (255 * factor)),
    factors.map((factor) => 1 / (255 * factor)),
  )
  throw new PreresnetError(
    saidBy === 'metadata' ? 'ERR_FILE' : 'ERR_OPTION',
    `${path}: expected a graph that normalizes pixels as the ${saidBy} says, by ${described(mean, std)}, got ${got}`,
  )
}

function described(mean: readonly number[], std: readonly number[]): string {
  const [means, deviations] = [mean, std].map((values) => values.map((value) => Number(value.toPrecision(6))).join(', ')) as [string, string]
  return `mean [${means}], std [${deviations}]`
}
