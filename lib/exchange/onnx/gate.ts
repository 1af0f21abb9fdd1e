/** The gates of residual units: g = sigmoid(conv1x1(x) + b), and (1 - g) x + g F(x), or (1 - g) x + F(x). */
import type { OnnxNode } from './messages.js'
import { outputOf, type Nodes } from './nodes.js'
import type { Operator, Value } from './operator.js'
import { convert } from './operators.js'
import type { Place } from './row.js'

export interface Gate {
  readonly kind: 'exclusive' | 'shortcut-only'
  /** These read x too, beside the branch. */
  readonly readers: readonly OnnxNode[]
  /** Where the branch ends. */
  readonly join: OnnxNode
  readonly addition: OnnxNode
  readonly values: Readonly<Record<'weight' | 'bias', Value>>
}

/** The gates that begin at a value: several, where units within units do. */
export async function gatesAt(place: Place, readers: readonly OnnxNode[], nodes: Nodes): Promise<readonly Gate[]> {
  const gates: Gate[] = []
  for (const convolution of readers) {
    const sigmoid = convolution.operator === 'Conv' ? nodes.onlyReader(outputOf(convolution)) : undefined
    if (sigmoid?.operator === 'Sigmoid') gates.push(await gateOf(place, convolution, sigmoid, nodes))
  }
  return gates
}

async function gateOf(place: Place, convolution: OnnxNode, sigmoid: OnnxNode, nodes: Nodes): Promise<Gate> {
  const refused = (got: string): Error =>
    nodes.operator(sigmoid).error('the gate g of a residual unit, which computes (1 - g) x + g F(x) or (1 - g) x + F(x)', got)
  const only = (node: OnnxNode, operator: string): OnnxNode => {
    const reader = nodes.onlyReader(outputOf(node))
    if (reader?.operator === operator) return reader
    throw refused(`no ${operator} that alone reads ${nodes.operator(node).name}`)
  }
  const gates = nodes.readersOf(outputOf(sigmoid))
  const rest = gates.find(({ operator }) => operator === 'Sub')
  const product = gates.find(({ operator }) => operator === 'Mul')
  if (rest === undefined || gates.length !== (product === undefined ? 1 : 2)) throw refused('other nodes that read it')
  if ((await nodes.operator(rest).scalar(0, place.shape)) !== 1) throw refused('another number than 1 that it is taken from')
  const shortcut = only(rest, 'Mul')
  if (!shortcut.inputs.includes(place.value)) throw refused('a product with something else than x')
  const addition = only(shortcut, 'Add')
  if (product !== undefined && only(product, 'Add') !== addition) throw refused('products that meet nowhere')
  return {
    kind: product === undefined ? 'shortcut-only' : 'exclusive',
    readers: [convolution, shortcut],
    join: product ?? addition,
    addition,
    values: await pointwise(place, nodes.operator(convolution)),
  }
}

/** Weights and bias of a 1x1 convolution that keeps the shape. */
async function pointwise({ shape }: Place, operator: Operator): Promise<Gate['values']> {
  const { layer, values } = await convert(operator, shape)
  const isPointwise = layer?.kind === 'conv2d' && layer.kernel === 1 && layer.stride === 1 && layer.padding === 0
  const { weight, bias } = values ?? {}
  if (isPointwise && weight !== undefined && bias !== undefined && layer.channels === operator.image(shape).channels) return { weight, bias }
  throw operator.error('a 1x1 convolution of as many channels, with a bias, before the Sigmoid of a gate', 'another one')
}
