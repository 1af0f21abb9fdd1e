/** What a network is, read from the names and shapes of its tensors. */
import { PreresnetError } from '../errors.js'
import type { Graph } from '../graph/index.js'
import { limits } from '../layers/value.js'
import { familiesOf, type Family, type Library, type Structure } from './families.js'

/** A tensor's shape by its name. */
type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>

/** The only family that has these names. ERR_FILE names what would tell. */
export function familyOf(path: string, shapes: Shapes, from: Library): Family {
  const families = familiesOf[from]
  const found = families.find(([mark]) => shapes.has(mark))
  if (found !== undefined) return found[1]
  const marks = families.map(([mark, { title }]) => `${JSON.stringify(mark)} (${title})`).join(' or ')
  throw new PreresnetError('ERR_FILE', `${path}: expected ${from}'s ${marks}, got ${listed([...shapes.keys()])}`)
}

/** ERR_FILE where a tensor that the structure is read from is missing or has too few dimensions. */
export function structureOf(path: string, shapes: Shapes, family: Family, { height, width }: { height: number; width: number }): Structure {
  const size = (name: string, dimension: 0 | 1): number => {
    const foreign = family.foreign(name)
    const shape = shapes.get(foreign)?.shape
    if (shape === undefined) throw new PreresnetError('ERR_FILE', `${path}: expected a tensor ${JSON.stringify(foreign)}, got none`)
    const value = shape[dimension]
    if (value !== undefined && value >= 1 && value <= limits.channels) return value
    throw new PreresnetError('ERR_FILE', `${path}: ${foreign}: expected a weight of 1 to ${limits.channels} channels, got shape [${shape.join(', ')}]`)
  }
  const units = unitsOf(path, shapes, family)
  const block = shapes.has(family.foreign('stages.0.blocks.0.conv3.weight')) ? 'bottleneck' : 'basic'
  const last = block === 'bottleneck' ? 'conv3' : 'conv2'
  return {
    block,
    units,
    widths: units.map((_, stage) => size(`stages.${stage}.blocks.0.${last}.weight`, 0)),
    classes: size('head.fc.weight', 0),
    input: { height, width, channels: size('stem.conv.weight', 1) },
  }
}

/** Of every network of these libraries that has a counterpart here. */
const stages = 4

/** By the largest numbers: what is missing among them is said later, by name. */
function unitsOf(path: string, shapes: Shapes, { unit, firstStage, foreign }: Family): readonly number[] {
  const counts = new Map<number, number>()
  for (const name of shapes.keys()) {
    const [, stage, index] = unit.exec(name) ?? []
    if (stage !== undefined) counts.set(Number(stage) - firstStage, Math.max(counts.get(Number(stage) - firstStage) ?? 0, Number(index) + 1))
  }
  const units = Array.from({ length: counts.size }, (_, stage) => counts.get(stage) ?? 0)
  const missing = units.length === 0 ? 0 : units.indexOf(0)
  if (missing !== -1)
    throw new PreresnetError('ERR_FILE', `${path}: expected a tensor ${JSON.stringify(foreign(`stages.${missing}.blocks.0.conv1.weight`))}, got none`)
  if (units.length !== stages) throw new PreresnetError('ERR_FILE', `${path}: expected ${stages} stages, got ${units.length}`)
  // A name alone must not ask for thousands of units.
  const total = units.reduce((sum, count) => sum + count, 0)
  if (total > shapes.size) throw new PreresnetError('ERR_FILE', `${path}: its names speak of ${total} units, and it has ${shapes.size} tensors`)
  return units
}

/** A tensor of a network as a foreign file has it. */
interface ForeignTensor {
  /** Ours. */
  readonly name: string
  readonly foreign: string
  readonly shape: readonly number[]
  readonly foreignShape: readonly number[]
}

export function foreignTensors({ parameters, buffers }: Graph, family: Family): readonly ForeignTensor[] {
  return [...parameters, ...buffers].map(({ name, shape }) => ({ name, foreign: family.foreign(name), shape, foreignShape: family.foreignShape(name, shape) }))
}

/** PyTorch counts batches beside the running statistics, as an integer that nothing here uses. */
export const countOf = (runningMean: string): string | undefined =>
  runningMean.endsWith('.running_mean') ? runningMean.replace(/running_mean$/, 'num_batches_tracked') : undefined

/** ERR_FILE for the first tensor that is missing, has another shape, or is one too many. */
export function checkTensors(path: string, shapes: Shapes, wanted: readonly ForeignTensor[], network: string): void {
  const counts = wanted.flatMap(({ foreign }) => countOf(foreign) ?? [])
  const expected = new Map([...wanted.map(({ foreign, foreignShape }) => [foreign, foreignShape] as const), ...counts.map((name) => [name, []] as const)])
  for (const { foreign } of wanted)
    if (!shapes.has(foreign)) throw new PreresnetError('ERR_FILE', `${path}: expected a tensor ${JSON.stringify(foreign)} for ${network}, got none`)
  for (const [name, { shape }] of shapes) {
    const right = expected.get(name)
    if (right === undefined) throw new PreresnetError('ERR_FILE', `${path}: has a tensor ${JSON.stringify(name)}, which ${network} has not`)
    if (right.join() !== shape.join())
      throw new PreresnetError('ERR_FILE', `${path}: ${name}: expected shape [${right.join(', ')}] for ${network}, got [${shape.join(', ')}]`)
  }
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'no tensors'
  return `${names
    .slice(0, 3)
    .map((name) => JSON.stringify(name))
    .join(', ')}${names.length > 3 ? ` and ${names.length - 3} others` : ''}`
}
