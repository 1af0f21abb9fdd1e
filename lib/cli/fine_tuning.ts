/** `train --from FILE`: network, weights and preparation are those of a model file. Options that say otherwise are refused by name. */
import type { DataSplit } from '../data/dataset.js'
import type { Preparation } from '../data/prepare/preparation.js'
import type { Resize } from '../data/prepare/steps.js'
import { PreresnetError } from '../errors.js'
import type { Network } from '../layers/index.js'
import type { ValuesOf } from '../options/spec.js'
import { defined } from '../options/values.js'
import { startFrom } from '../training/index.js'
import { networkDifference } from '../training/network_difference.js'
import { optionName } from './config.js'
import type { dataOptions } from './data_options.js'
import { chooseNetwork, networkOptions } from './model_options.js'
import { note } from './output.js'
import type { RandomStepValues } from './random_steps.js'

interface Values extends ValuesOf<typeof networkOptions>, Pick<ValuesOf<typeof dataOptions>, 'image' | 'resize' | 'gray'>, Pick<RandomStepValues, 'filter'> {
  readonly model: string | undefined
  readonly except: readonly string[] | undefined
  readonly json: boolean
}

interface Start {
  readonly network: Network
  /** How the model's images were prepared. */
  readonly model: Preparation
  readonly initialize: { readonly from: string; readonly except: readonly string[] }
  /** Outputs of the model, where its head is replaced. */
  readonly replaced?: number
}

export async function startedFrom(from: string, values: Values, { train }: DataSplit): Promise<Start> {
  const { network, options, replaced } = await startFrom(from, train)
  checkNetwork(from, values, network, train.classes.length)
  checkInput(from, values, network, options.prepare)
  const kept = values.except ?? []
  if (!values.json) note(`${network.name} of ${from}, with ${headText(train.classes.length, replaced, kept)}`)
  const { except } = options.initialize
  return { network, model: options.prepare, initialize: { from, except: [...new Set([...except, ...kept])] }, ...defined({ replaced }) }
}

function headText(classes: number, replaced: number | undefined, except: readonly string[]): string {
  const others = except.length === 0 ? '' : `, and start values for ${except.join(', ')}`
  return `${replaced === undefined ? 'its own head' : `a new head for ${classes} classes in place of ${replaced}`}${others}`
}

/** ERR_OPTION for the first option that would make another network. */
function checkNetwork(from: string, values: Values, network: Network, classes: number): void {
  const { model, family, depth } = values
  const other = Object.keys(networkOptions).find((key) => values[key as keyof typeof networkOptions] !== undefined)
  if (model === undefined && other === undefined) return
  const key = model === undefined ? other! : 'model'
  const refuse = (got: string): never => {
    throw new PreresnetError('ERR_OPTION', `--${optionName(key)}: expected nothing or the network of ${from}, got ${got}`)
  }
  if (model === undefined && (family === undefined || depth === undefined)) return refuse('a part of one')
  const difference = networkDifference(network, chooseNetwork(model, values, { classes, ...network.input }), ['there', 'here'])
  if (difference !== undefined) refuse(`another one: ${difference}`)
}

/** ERR_OPTION for the first option that would show the network other images. */
function checkInput(from: string, { image, resize, gray, filter }: Values, { input }: Network, { evaluate }: Preparation): void {
  const resizing = evaluate?.find((step): step is Resize => step.kind === 'resize')
  const side = resizing?.size
  const { height, width, channels } = input
  const refuse = (option: string, expected: string, got: unknown): never => {
    throw new PreresnetError('ERR_OPTION', `--${option}: expected nothing or what ${from} says, ${expected}, got ${String(got)}`)
  }
  if (image !== undefined && (image !== height || image !== width)) refuse('image', `${height} x ${width}`, image)
  if (resize !== undefined && resize !== side) refuse('resize', side === undefined ? 'no resize' : String(side), resize)
  if (filter !== undefined && filter !== (resizing?.filter ?? 'bilinear')) refuse('filter', resizing?.filter ?? 'bilinear', filter)
  if (gray && channels !== 1) refuse('gray', `${channels} channels`, 1)
}
