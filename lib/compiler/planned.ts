/** Which programs shall be made, each with its batch and over images of which size. */
import type { Graph } from '../graph/graph.js'
import { withInput } from '../graph/resize.js'
import { integer, invalid, knownKeys, oneOf } from '../options/values.js'
import { runOptions } from '../options/table.js'
import { imageShape } from './forward.js'
import { programKinds, weightsChoices, type ProgramOptions, type ProgramKind, type ProgramRequest, type WeightsChoice } from './options.js'

/** A program to be made. */
export interface Planned {
  readonly name: string
  readonly kind: ProgramKind
  readonly batch: number
  readonly graph: Graph
  readonly weights: WeightsChoice
  /** Of the images that are stored. */
  readonly stored: { readonly height: number; readonly width: number }
}

const LARGEST_SIDE = 65_536

export function plannedPrograms(graph: Graph, options: ProgramOptions): Planned[] {
  const seen = new Set<string>(['refresh'])
  return options.programs.map((request) => {
    const {
      name,
      kind,
      batch,
      input,
      weights = 'trained',
    } = typeof request === 'object' ? checkRequest(request) : { name: request, kind: oneOf('compile: programs', request, programKinds) }
    if (weights === 'ema' && options.ema === undefined) throw invalid(`compile: program ${name}: weights`, '"trained" without `ema`', weights)
    if (seen.has(name)) throw invalid('compile: programs', 'names that differ, and are not "refresh"', name)
    seen.add(name)
    const size = imageShape(graph.nodes[0]!.shape)
    return {
      name,
      kind,
      batch: batch ?? options.batch / ((options.ranks ?? 1) * (options.accumulate ?? 1)),
      weights,
      graph: input === undefined ? graph : withInput(graph, input),
      stored: input ?? (options.input.kind === 'images' ? options.input : size),
    }
  })
}

function checkRequest(request: ProgramRequest): ProgramRequest {
  knownKeys('compile: programs', request, ['name', 'kind', 'batch', 'input', 'weights'])
  const { name, kind, batch, input, weights } = request
  if (typeof name !== 'string' || !/^[\w@.-]+$/.test(name)) throw invalid('compile: programs: name', 'letters, digits, _, @, . and -', name)
  oneOf(`compile: program ${name}: kind`, kind, ['evaluate', 'infer'])
  if (name !== kind && oneOfKinds(name)) throw invalid(`compile: program ${name}: kind`, JSON.stringify(name), kind)
  if (batch !== undefined) runOptions.batch.read(`compile: program ${name}: batch`, batch)
  if (weights !== undefined) oneOf(`compile: program ${name}: weights`, weights, weightsChoices)
  if (input !== undefined) {
    knownKeys(`compile: program ${name}: input`, input, ['height', 'width'])
    for (const side of ['height', 'width'] as const) integer(`compile: program ${name}: input: ${side}`, input[side], 1, LARGEST_SIDE)
  }
  return request
}

function oneOfKinds(name: string): boolean {
  return programKinds.some((kind) => kind === name)
}
